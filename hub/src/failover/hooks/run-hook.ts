/** Carries out one attempt of a hook, whatever its kind. Inputs: the plan, the hook as the plan keeps it. */
import { createHash } from 'node:crypto';
import { isForHooks } from '@wheelhouse/shared/resources/failover-hook';
import { type Secret, secretEntries } from '@wheelhouse/shared/resources/settings';
import type { SpecStore } from '../../store/specs.ts';
import type { Plan } from '../plan-record.ts';
import type { HookOutcome } from './decide-hooks.ts';
import { callHttpHook, type HttpHookDeps } from './http-hook.ts';
import { callJobHook, type JobHookDeps } from './job-hook.ts';
import { deliveryId, messageOf } from './message.ts';
import type { NatsHooks } from './nats-hook.ts';
import type { HookCall, PlannedHook } from './planned-hook.ts';

export interface RunHookDeps extends JobHookDeps {
  specs: Pick<SpecStore, 'find'>;
  http: Omit<HttpHookDeps, 'now'>;
  nats: Pick<NatsHooks, 'call'>;
  /** A Job's outcome arrives as a status; until then it is `running`. */
  now(): Date;
}

export async function runHook(
  plan: Plan,
  attempt: PlannedHook,
  { deps, signal }: { deps: RunHookDeps; signal: AbortSignal },
): Promise<HookOutcome> {
  const { call, timeoutMs } = attempt;
  const message = messageOf(plan, attempt);
  if (call.type === 'nats') return await deps.nats.call({ subject: call.subject, message, timeoutMs }, signal);
  if (call.type === 'job') {
    const id = operationId(plan, attempt);
    const by = `plan ${plan.id} of ${plan.owner}`;
    return await callJobHook({ application: call.application, id, attempt, by }, deps);
  }
  const secret = readSecret(call.secret, deps);
  if (typeof secret !== 'string') return secret;
  return await callHttpHook({ url: call.url, secret, message, timeoutMs }, { ...deps.http, now: deps.now }, signal);
}

/** A new attempt is a new operation; one that is looked at again is not. */
function operationId(plan: Plan, attempt: PlannedHook): string {
  const text = [deliveryId(plan, attempt), attempt.attempt, attempt.startedAt].join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

type HttpCall = Extract<HookCall, { type: 'http' }>;

function readSecret({ namespace, name, key }: HttpCall['secret'], { specs }: RunHookDeps): string | HookOutcome {
  const found = specs.find('Secret', namespace, name)?.resource as Secret | undefined;
  if (!found || !isForHooks(found)) {
    const message = `there is no Secret ${namespace}/${name} labelled wheelhouse.dev/secret-type: failover-hook`;
    return { state: 'failed', message };
  }
  const secret = secretEntries(found)[key];
  return secret ? secret : { state: 'failed', message: `Secret ${namespace}/${name} has no entry ${key}` };
}
