import { whyNotUnderstood } from '../store/record-format.ts';
import { shortRevision } from './facts.ts';
import type { RolloutPhase, RolloutRecord, Run, RunMember, RunStep } from './record.ts';
import { isActive } from './record.ts';
import type { RolloutStore } from './rollout-store.ts';
import { formatRolloutName, type Rollouts } from './rollouts.ts';

/** A rollout as people see it. */
export interface RolloutView {
  kind: 'FleetRollout' | 'RollingSync';
  namespace: string;
  name: string;
  phase: RolloutPhase | 'Pending';
  message: string;
  /** RFC 3339: since when it is in this phase. */
  since?: string;
  /** Of the newest run. */
  run?: number;
  revision?: string;
  startedAt?: string;
  endedAt?: string;
  outcome?: string;
  /** Step under way, from 1. */
  step?: number;
  /** Members of the run by state. */
  members: Record<string, number>;
  steps: StepView[];
  pause?: { reason: string; by: string; until?: string };
  warnings: string[];
}

export interface StepView {
  name: string;
  state: 'Waiting' | 'Progressing' | 'Soaking' | 'Proved' | 'Ended';
  size: number;
  members: Record<string, number>;
  startedAt?: string;
  provedAt?: string;
  needsApproval: boolean;
  approved?: { by: string; at: string; comment?: string };
}

export interface RolloutDetail extends RolloutView {
  clusters: {
    name: string;
    step: string;
    state: string;
    since: string;
    message?: string;
    applications: { name: string; from?: string; to: string }[];
  }[];
  events: { at: string; type: string; message: string; by: string }[];
}

export interface RolloutViews {
  /** FleetRollouts and sets with RollingSync, ordered by kind and name. */
  list(): RolloutView[];
  find(key: string): RolloutDetail | undefined;
  /** Number of rollouts by phase. */
  phases(): Record<string, number>;
}

export interface RolloutViewsDeps {
  rollouts: Pick<Rollouts, 'list' | 'find'>;
  store: Pick<RolloutStore, 'list' | 'find'>;
}

export function createRolloutViews({ rollouts, store }: RolloutViewsDeps): RolloutViews {
  const keys = () => [...new Set([...rollouts.list(), ...store.list()].map(({ key }) => key))].sort();
  const view = (key: string): RolloutView => {
    const record = store.find(key);
    const kind = key.startsWith('rollingsync.') ? 'RollingSync' : 'FleetRollout';
    const [, namespace = '', ...name] = key.split('.');
    const named = { kind, namespace, name: name.join('.').replaceAll('=3A', ':') } as const;
    if (!record)
      return { ...named, phase: 'Pending', message: 'not looked at yet', members: {}, steps: [], warnings: [] };
    return { ...named, ...formatRecord(record) };
  };
  return {
    list: () => keys().map(view),
    find: (key) => {
      const record = store.find(key);
      if (!record && !rollouts.find(key)) return undefined;
      return { ...view(key), clusters: formatMembers(record?.run), events: formatEvents(record) };
    },
    phases: () => countBy(keys().map((key) => store.find(key)?.phase ?? 'Pending')),
  };
}

function formatRecord(record: RolloutRecord): Omit<RolloutView, 'kind' | 'namespace' | 'name'> {
  const { phase, message, since, run, pause, warnings } = record;
  const newer = whyNotUnderstood('rollout', formatRolloutName(record.key), record);
  return {
    phase,
    message,
    since,
    ...(run ? formatRun(run) : {}),
    members: countBy(Object.values(run?.members ?? {}).map(({ state }) => state)),
    steps: (run?.steps ?? []).map((step, index) => formatStep(run as Run, step, index)),
    ...(pause ? { pause: { reason: pause.reason, by: pause.by, ...(pause.until ? { until: pause.until } : {}) } } : {}),
    warnings: [...warnings, ...(newer === undefined ? [] : [newer])],
  };
}

function formatRun(run: Run) {
  const { number, revision, startedAt, endedAt, outcome } = run;
  return {
    run: number,
    revision,
    startedAt,
    ...(endedAt ? { endedAt } : {}),
    ...(outcome ? { outcome } : {}),
    ...(isActive(run) ? { step: Math.min(run.step + 1, run.steps.length) } : {}),
  };
}

function formatStep(run: Run, step: RunStep, index: number): StepView {
  const { name, size, startedAt, provedAt, approved } = step;
  return {
    name,
    state: stateOf(run, step),
    size,
    members: countBy(membersOf(run, index).map(({ state }) => state)),
    ...(startedAt ? { startedAt } : {}),
    ...(provedAt ? { provedAt } : {}),
    needsApproval: run.plan.steps[index]?.approval !== undefined,
    ...(approved ? { approved } : {}),
  };
}

function stateOf(run: Run, { startedAt, provedAt, soakingSince }: RunStep): StepView['state'] {
  if (provedAt) return 'Proved';
  if (!startedAt) return 'Waiting';
  if (!isActive(run)) return 'Ended';
  return soakingSince ? 'Soaking' : 'Progressing';
}

function membersOf(run: Run, step: number): RunMember[] {
  return Object.values(run.members).filter((member) => member.step === step);
}

function formatMembers(run: Run | undefined): RolloutDetail['clusters'] {
  return Object.entries(run?.members ?? {}).map(([name, { step, state, since, message, apps }]) => ({
    name,
    step: run?.steps[step]?.name ?? '',
    state,
    since,
    ...(message === undefined ? {} : { message }),
    applications: Object.entries(apps).map(([app, { from, to }]) => ({
      name: app,
      ...(from ? { from: shortRevision(from) } : {}),
      to: shortRevision(to),
    })),
  }));
}

function formatEvents(record: RolloutRecord | undefined): RolloutDetail['events'] {
  return (record?.events ?? []).map(({ at, type, message, by }) => ({ at, type, message, by }));
}

function countBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
