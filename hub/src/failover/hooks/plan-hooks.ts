import { parseDuration } from '@wheelhouse/shared/config/duration';
import { matchesSelector, parseSelector } from '@wheelhouse/shared/kube/selector-text';
import type { FailoverHook } from '@wheelhouse/shared/resources/failover-hook';
import type { LabelledCluster } from '../label-changes.ts';
import { changedClusters, type Plan } from '../plan-record.ts';
import type { HookCall, PlannedHook } from './planned-hook.ts';

const defaultTimeoutMs = 30_000;
const defaultRetries = 2;
const directions = ['forward', 'back'] as const;

/** The calls that a plan will make, as its hooks say now: a later change of a hook is not for plans that exist. */
export function planHooks(
  plan: Pick<Plan, 'kind' | 'labels' | 'annotations'>,
  hooks: readonly FailoverHook[],
  findCluster: (name: string) => LabelledCluster | undefined,
): PlannedHook[] {
  const clusters = changedClusters(plan).flatMap((name) => findCluster(name) ?? []);
  return hooks
    .filter(({ spec }) => (spec.plans ?? [plan.kind]).includes(plan.kind))
    .filter(({ spec }) => spec.clusters === undefined || matchesAny(spec.clusters, clusters))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    .flatMap(callsOf);
}

function callsOf(hook: FailoverHook): PlannedHook[] {
  const { spec } = hook;
  const timeoutMs = parseDuration(spec.timeout ?? '') ?? defaultTimeoutMs;
  const { retries = defaultRetries, onFailure = 'Pause' } = spec;
  return directions
    .filter((direction) => (spec.directions ?? directions).includes(direction))
    .flatMap((direction) =>
      spec.at.map((at): PlannedHook => {
        const moment =
          'before' in at
            ? ({ when: 'before', step: at.before } as const)
            : ({ when: 'after', step: at.after } as const);
        return {
          hook: nameOf(hook),
          ...moment,
          direction,
          call: callOf(hook),
          timeoutMs,
          retries,
          onFailure,
          attempt: 0,
        };
      }),
    );
}

function callOf({ metadata: { namespace }, spec: { http, nats, job } }: FailoverHook): HookCall {
  if (http) return { type: 'http', url: http.url, secret: { namespace, ...http.secret } };
  if (nats) return { type: 'nats', subject: nats.subject };
  return { type: 'job', application: { namespace, name: job?.application ?? '' } };
}

function matchesAny(selector: string, clusters: readonly LabelledCluster[]): boolean {
  const requirements = parseSelector(selector);
  return clusters.some(({ labels }) => matchesSelector(requirements, labels));
}

function nameOf({ metadata: { namespace, name } }: FailoverHook): string {
  return `${namespace}/${name}`;
}
