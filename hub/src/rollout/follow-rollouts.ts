import { sleep } from '@wheelhouse/shared/async/abort';
import type { Applications, IndexedApplication } from '../assign/applications.ts';
import type { Dispatch } from '../queue/dispatch.ts';
import type { Statuses } from '../status/statuses.ts';
import type { Derived } from '../store/derived.ts';
import type { SpecStore } from '../store/specs.ts';
import { isActive, type RolloutRecord } from './record.ts';
import type { RolloutChange, RolloutStore } from './rollout-store.ts';
import type { Rollouts } from './rollouts.ts';

export interface FollowRolloutsDeps {
  rollouts: Rollouts;
  store: RolloutStore;
  specs: Pick<SpecStore, 'onChange'>;
  derived: Pick<Derived, 'onChange'>;
  applications: Applications;
  statuses: Pick<Statuses, 'onChange'>;
  clusters: { onChange(listener: () => void): Disposable };
  dispatch: Pick<Dispatch, 'rollouts' | 'assign'>;
  now(): Date;
}

/** Lets what comes together be one job. */
const gatherMs = 100;
const tickMs = 1_000;
/** A run that is under way is looked at this often even when nothing is heard: clusters fall silent without a word. */
const lookMs = 10_000;

/** What makes a rollout due, and what its record brings about, on every replica. The signal ends it. */
export function followRollouts(deps: FollowRolloutsDeps, signal: AbortSignal): void {
  const due = new Set<string>();
  const mark = (app: IndexedApplication | undefined) => {
    const key = app && deps.rollouts.governorOf(app);
    if (key !== undefined) due.add(key);
  };
  const markAll = () => {
    for (const key of keysOf(deps)) due.add(key);
  };
  const subscriptions = [
    deps.statuses.onChange(({ status }) => {
      const owner = deps.store.ownerOf(status.app);
      if (owner !== undefined && isActive(deps.store.find(owner)?.run)) due.add(owner);
    }),
    deps.applications.onChange((changes) => {
      for (const { before, after } of changes) for (const app of [before, after]) mark(app);
    }),
    deps.derived.onChange((change) => {
      if (change.type === 'render' && change.after)
        for (const app of deps.applications.byRequest(change.after.requestKey)) mark(app);
      if (change.type === 'revision') markPreparing(deps, due);
    }),
    deps.specs.onChange(({ kind }) => {
      if (kind === 'FleetRollout' || kind === 'ApplicationSet') markAll();
    }),
    deps.clusters.onChange(markAll),
    deps.store.onChange((change) => assignChanged(change, deps)),
  ];
  signal.addEventListener('abort', () => {
    for (const subscription of subscriptions) subscription[Symbol.dispose]();
  });
  void flush(due, deps, signal);
  void tick(due, deps, signal);
}

/** Every rollout there is: those with an object, and those with a record alone. */
export function keysOf({ rollouts, store }: Pick<FollowRolloutsDeps, 'rollouts' | 'store'>): Set<string> {
  return new Set([...rollouts.list(), ...store.list()].map(({ key }) => key));
}

function markPreparing({ store }: FollowRolloutsDeps, due: Set<string>): void {
  for (const { key, phase } of store.list()) if (phase === 'Preparing') due.add(key);
}

/** What a record pins differently is assigned. */
function assignChanged({ before, after }: RolloutChange, { applications, dispatch }: FollowRolloutsDeps): void {
  const ids = new Set([...Object.keys(before?.pins ?? {}), ...Object.keys(after?.pins ?? {})]);
  const changed = [...ids].filter((id) => before?.pins[id]?.now?.bundle !== after?.pins[id]?.now?.bundle);
  const clusters = new Set(changed.flatMap((id) => applications.find(id)?.cluster ?? []));
  if (clusters.size > 0) void dispatch.assign(...clusters);
}

async function flush(due: Set<string>, { dispatch }: FollowRolloutsDeps, signal: AbortSignal): Promise<void> {
  while (await sleep(gatherMs, signal)) {
    if (due.size === 0) continue;
    const keys = [...due];
    due.clear();
    await dispatch.rollouts(keys);
  }
}

async function tick(due: Set<string>, deps: FollowRolloutsDeps, signal: AbortSignal): Promise<void> {
  const looked = new Map<string, number>();
  while (await sleep(tickMs, signal)) {
    const now = deps.now().getTime();
    for (const record of deps.store.list()) {
      if (!isDue(record, now, looked.get(record.key) ?? 0)) continue;
      looked.set(record.key, now);
      due.add(record.key);
    }
  }
}

function isDue(record: RolloutRecord, now: number, looked: number): boolean {
  if (record.wakeAt && Date.parse(record.wakeAt) <= now) return true;
  const waits = isActive(record.run) || record.phase === 'Preparing' || record.asked !== undefined;
  return waits && now - looked >= lookMs;
}
