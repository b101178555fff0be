/**
 * Takes rollouts further. A job is one rollout; jobs of one key never run at the same time, and the record is written with
 * compare-and-set before anything follows from it, so that a kill at any point is taken up again by the next job.
 * It reads everything anew each time and never acts upon what it remembers.
 */
import { isDeepStrictEqual } from 'node:util';
import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AssignedOperation } from '@wheelhouse/shared/protocol/document';
import { recordSpan, spans } from '@wheelhouse/shared/telemetry/tracing';
import type { IndexedApplication } from '../assign/applications.ts';
import type { Trigger } from '../queue/queue.ts';
import type { AuditEntry } from '../store/audit.ts';
import { whyNotUnderstood } from '../store/record-format.ts';
import { decide, hasNewer } from './decide.ts';
import { type GatherDeps, type Gathered, gather, isUnevaluated } from './gather.ts';
import { emptyRecord, isActive, type RolloutRecord } from './record.ts';
import type { RolloutStore } from './rollout-store.ts';
import { formatRolloutName, type RolloutObject } from './rollouts.ts';
import { type SettledDeps, whyNotSettled } from './settled.ts';
import { newsOf } from './start.ts';
import { dueSyncs } from './sync-request.ts';

export interface RolloutDeps extends GatherDeps, SettledDeps {
  logger: Logger;
  store: RolloutStore;
  derived: GatherDeps['derived'] & SettledDeps['derived'];
  addOperation(operation: AssignedOperation, now: Date): Promise<void>;
  audit(entry: AuditEntry): Promise<void>;
  dispatch: { assign(...clusters: string[]): Promise<void> };
  now(): Date;
}

const attempts = 5;

export async function runRollout({ key }: Trigger, deps: RolloutDeps, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      return await takeFurther(key, deps, signal);
    } catch (error) {
      // somebody (a person's command, another replica) wrote first: decide again from what is there now
      if (!isFleetError(error, 'Conflict') || attempt === attempts) throw error;
    }
  }
}

async function takeFurther(key: string, deps: RolloutDeps, signal: AbortSignal): Promise<void> {
  const stored = await deps.store.read(key);
  if (stored && whyNotUnderstood('rollout', formatRolloutName(key), stored.value) !== undefined) return;
  const object = deps.rollouts.find(key);
  if (!object) return stored ? await letGo(stored, deps) : undefined;
  const before = stored?.value ?? emptyRecord(key, deps.now());
  const { gathered, preparing } = await look(object, before, { deps, signal });
  const after = decide({
    record: before,
    plan: object.plan,
    invalid: gathered.invalid,
    pause: object.pause,
    members: gathered.members,
    away: gathered.away,
    preparing,
    now: deps.now(),
  });
  await keep({ before, after, revision: stored?.revision ?? 0 }, deps);
  await requestSyncs({ object, record: after, gathered }, { deps, signal });
  await assignAgain({ record: after, gathered }, deps);
}

/** A pin that no cluster has taken for so long is assigned again: the job that a change made due may have been lost. */
const assignAgainMs = 5_000;

async function assignAgain(
  { record: { run, pins }, gathered }: { record: RolloutRecord; gathered: Gathered },
  deps: RolloutDeps,
): Promise<void> {
  if (!isActive(run)) return;
  const now = deps.now().getTime();
  const moving = Object.values(run.members).filter(
    ({ state, since }) => (state === 'Updating' || state === 'Returning') && now - Date.parse(since) > assignAgainMs,
  );
  const ids = new Set(moving.flatMap(({ apps }) => Object.keys(apps)));
  const behind = gathered.apps.filter(
    ({ id, cluster = '' }) => ids.has(id) && deps.statuses.find(cluster, id)?.status.bundle !== pins[id]?.now?.bundle,
  );
  const clusters = new Set(behind.flatMap(({ cluster }) => cluster ?? []));
  if (clusters.size > 0) await deps.dispatch.assign(...clusters);
}

/** Facts, and whether they are complete: only asked where something would begin, for it reads the repository. */
async function look(
  object: RolloutObject,
  record: RolloutRecord,
  { deps, signal }: { deps: RolloutDeps; signal: AbortSignal },
): Promise<{ gathered: Gathered; preparing?: string | undefined }> {
  const first = await gather(object, record, deps);
  const { members } = first;
  const wouldBegin = isActive(record.run) ? hasNewer({ record, members }) : newsOf({ record, members }).size > 0;
  if (!wouldBegin) return { gathered: first };
  const judged = first.apps
    .filter((app) => object.kind !== 'RollingSync' || !isFailing(app, deps))
    .map((app) => ({ ...app, pinned: record.pins[app.id]?.now !== undefined }));
  const preparing = await whyNotSettled(judged, deps, signal);
  const gathered = await gather(object, record, deps);
  const newest = (from: Gathered) => from.members.map(({ id, apps }) => [id, apps.map((app) => app.newest)]);
  const moved = isDeepStrictEqual(newest(first), newest(gathered)) ? undefined : 'renders are still coming in';
  return { gathered, preparing: preparing ?? moved };
}

function isFailing({ request }: IndexedApplication, { derived }: RolloutDeps): boolean {
  return request !== undefined && derived.render(request.key)?.problem !== undefined;
}

/** The object is gone. Argo CD's set lets go at once; ours only where that changes nothing, or a person says so. */
async function letGo(
  { value, revision }: { value: RolloutRecord; revision: number },
  deps: RolloutDeps,
): Promise<void> {
  const released = value.asked?.what === 'release' || value.key.startsWith('rollingsync.');
  if (released || !mayJump(value, deps)) {
    await audit({ ...value, events: [...value.events, releaseEvent(value, deps.now())] }, deps);
    return await deps.store.delete(value.key, revision);
  }
  const after = decide({ record: value, plan: undefined, members: [], now: deps.now() });
  await keep({ before: value, after, revision }, deps);
}

/** Whether an Application would get something else once nothing pins it, or might: what is not known is no consent. */
function mayJump({ key, pins }: RolloutRecord, deps: RolloutDeps): boolean {
  const [, namespace = ''] = key.split('.');
  if (isUnevaluated({ namespace }, deps)) return true;
  return Object.entries(pins).some(([id, { now }]) => {
    const app = deps.applications.find(id);
    return app !== undefined && now !== undefined && deps.resolve(app).app?.bundle !== now.bundle;
  });
}

function releaseEvent({ seq, asked }: RolloutRecord, now: Date): RolloutRecord['events'][number] {
  const by = asked?.by ?? 'rollout';
  return { seq: seq + 1, at: now.toISOString(), type: 'RolloutDeleted', message: 'it pins nothing any more', by };
}

interface Kept {
  before: RolloutRecord;
  after: RolloutRecord;
  /** Of what is stored. */
  revision: number;
}

/** Writes what changed; then tells of it, and only then notes that it was told: nothing that happened stays untold. */
async function keep({ before, after, revision }: Kept, deps: RolloutDeps): Promise<void> {
  if (!isDeepStrictEqual(before, after)) await deps.store.put(after, revision);
  recordSteps(before, after);
  if (after.audited === after.seq) return;
  await audit(after, deps);
  const stored = await deps.store.read(after.key);
  if (stored) await deps.store.put({ ...stored.value, audited: after.seq }, stored.revision);
}

async function audit(record: RolloutRecord, deps: RolloutDeps): Promise<void> {
  const object = formatRolloutName(record.key);
  for (const { seq, type, message, by } of record.events)
    if (seq > record.audited) await deps.audit({ by, action: `rollout ${type}`, object, details: { message, seq } });
}

function recordSteps(before: RolloutRecord, after: RolloutRecord): void {
  const { run } = after;
  if (!run) return;
  const same = before.run?.number === run.number ? before.run.steps : [];
  for (const [index, { name, size, startedAt, provedAt }] of run.steps.entries()) {
    if (!startedAt || !provedAt || same[index]?.provedAt) continue;
    recordSpan(spans.rolloutStep, {
      traceparent: run.traceparent,
      startedAt: new Date(startedAt),
      attributes: { rollout: formatRolloutName(after.key), step: name, run: run.number, members: size },
    });
  }
}

/** Applications that do not sync by themselves are asked to, once for each bundle that they are given. */
async function requestSyncs(
  input: { object: RolloutObject; record: RolloutRecord; gathered: Gathered },
  { deps, signal }: { deps: RolloutDeps; signal: AbortSignal },
): Promise<void> {
  const now = deps.now();
  for (const operation of dueSyncs(input, { statuses: deps.statuses, operations: deps.operations, now })) {
    // the next job asks for the rest
    if (signal.aborted) return;
    await deps.addOperation(operation, now);
  }
}
