import type { PlanView } from '@wheelhouse/hub/api/deps';
import { type Column, formatAge, formatFields, formatTable } from './output.ts';

type Placement = PlanView['leaves'][number];

/** Applications that a page names before it counts the rest. */
const mostRows = 20;

export const planColumns: Column<PlanView>[] = [
  ['ID', ({ id }) => id],
  ['PHASE', formatPhase],
  ['PROGRESS', ({ progress }) => `${progress} %`],
  ['HEALTHY', ({ counts }) => `${counts.healthy}/${counts.incoming}`],
  ['WITHDRAWN', ({ counts }) => `${counts.withdrawn}/${counts.outgoing}`],
  ['KEPT', ({ counts }) => counts.kept || undefined],
  ['APPLICATIONS', ({ apps }) => apps],
  ['OWNER', ({ owner }) => owner],
  ['AGE', ({ createdAt }) => formatAge(Date.now() - Date.parse(createdAt))],
  ['REASON', ({ reason }) => reason],
];

export function formatPhase({ phase, direction, paused }: PlanView): string {
  const back = direction === 'back' && phase !== 'Aborted' ? ' (back)' : '';
  return `${paused ? 'Paused, ' : ''}${phase}${back}`;
}

/** What a plan would do, before it is begun. */
export function formatProposal(plan: PlanView): string {
  return [
    `Plan ${plan.id}: ${plan.leaves.length} leave, ${plan.arrives.length} arrive, ${plan.changes.length} change in place\n`,
    plan.apps === undefined ? '' : `only Applications of '${plan.apps}' see these labels\n`,
    plan.onDeadline === 'Abort' ? `a step that takes longer than ${formatAge(plan.deadlineMs)} aborts it\n` : '',
    ...formatChanges(plan),
    plan.leaves.length > 0 ? formatMoves('LEAVES', plan.leaves) : '',
    plan.arrives.length > 0 ? formatMoves('ARRIVES', plan.arrives) : '',
    plan.capacity.length > 0 ? formatTable(plan.capacity, capacityColumns) : '',
    plan.hooks.length > 0 ? formatTable(plan.hooks, hookColumns) : '',
    formatFindings(plan),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** A plan under way, or over. */
export function formatPlanPage(plan: PlanView): string {
  const { counts } = plan;
  return [
    formatFields([
      ['Plan', plan.id],
      ['Phase', formatPhase(plan)],
      ['Progress', `${plan.progress} %`],
      ['Owner', plan.owner],
      ['Reason', plan.reason],
      ['Only for', plan.apps],
      ['Undoes', plan.failsBack],
      ['Aborts when late', plan.onDeadline === 'Abort' ? `after ${formatAge(plan.deadlineMs)} in a step` : undefined],
      ['Incoming', `${counts.healthy} of ${counts.incoming} Healthy${asOf(plan)}`],
      ['Outgoing', `${counts.withdrawn} of ${counts.outgoing} withdrawn, ${counts.pending} under way`],
      ['Kept by Never', counts.kept || undefined],
      ['Not withdrawn', counts.absent ? `${counts.absent} that the hub did not know any more` : undefined],
      ['Paused', plan.paused && `by ${plan.paused.by}: ${plan.paused.reason}`],
      ['Waits for', formatWaits(plan.waits)],
    ]),
    ...formatChanges(plan),
    plan.leaves.length > 0 ? formatMoves('LEAVES', plan.leaves, asOf(plan)) : '',
    plan.arrives.length > 0 ? formatMoves('ARRIVES', plan.arrives, asOf(plan)) : '',
    plan.hooks.length > 0 ? formatTable(plan.hooks, [...hookColumns, ...hookStateColumns]) : '',
    formatFindings(plan),
    formatTable(plan.history.slice(-mostRows), historyColumns),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** Nobody looks at what a plan moved once it is over. */
function asOf({ phase, phaseAt }: PlanView): string {
  const isOver = phase === 'Completed' || phase === 'Aborted' || phase === 'Expired';
  return isOver ? ` as of ${formatAge(Date.now() - Date.parse(phaseAt))} ago` : '';
}

function formatWaits(waits: readonly string[]): string | undefined {
  if (waits.length === 0) return undefined;
  const more = waits.length > 3 ? `; and ${waits.length - 3} more` : '';
  return waits.slice(0, 3).join('; ') + more;
}

type Change = PlanView['labels'][number];

function formatChanges({ labels, annotations = [] }: PlanView): string[] {
  return [
    labels.length > 0 ? formatTable(labels, changeColumns('LABEL')) : '',
    annotations.length > 0 ? formatTable(annotations, changeColumns('ANNOTATION')) : '',
  ];
}

function changeColumns(what: string): Column<Change>[] {
  return [
    ['CLUSTER', ({ cluster }) => cluster],
    [what, ({ key }) => key],
    ['FROM', ({ before }) => formatValue(before)],
    ['TO', ({ after }) => formatValue(after)],
  ];
}

/** Annotations may be long, and of several lines. */
function formatValue(value: string | null): string {
  if (value === null) return '(none)';
  const line = value.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

const capacityColumns: Column<PlanView['capacity'][number]>[] = [
  ['DESTINATION', ({ cluster }) => cluster],
  ['CPU ARRIVING', ({ arriving }) => formatCpu(arriving.cpuMillis)],
  ['CPU FREE', ({ free }) => (free ? formatCpu(free.cpuMillis) : 'unknown')],
  ['MEMORY ARRIVING', ({ arriving }) => formatMemory(arriving.memoryBytes)],
  ['MEMORY FREE', ({ free }) => (free ? formatMemory(free.memoryBytes) : 'unknown')],
];

const hookColumns: Column<PlanView['hooks'][number]>[] = [
  ['HOOK', ({ hook }) => hook],
  ['WHEN', ({ when, step, direction }) => `${when} ${step}${direction === 'back' ? ' (back)' : ''}`],
  ['CALLS', ({ type, target }) => `${type} ${target}`],
  ['TIMEOUT', ({ timeoutMs }) => formatAge(timeoutMs)],
  ['RETRIES', ({ retries }) => retries],
  ['ON FAILURE', ({ onFailure }) => onFailure],
];

const hookStateColumns: Column<PlanView['hooks'][number]>[] = [
  ['STATE', ({ state, message }) => [state, message].filter(Boolean).join(': ') || undefined],
];

const historyColumns: Column<PlanView['history'][number]>[] = [
  ['AT', ({ at }) => at],
  ['BY', ({ by }) => by],
  ['WHAT', ({ message }) => message],
];

function formatMoves(heading: string, placements: readonly Placement[], past = ''): string {
  const columns: Column<Placement>[] = [
    [heading, ({ app }) => app],
    ['CLUSTER', ({ cluster }) => cluster],
    ['POLICY', ({ policy }) => policy],
    ['SOAK', ({ soakMs }) => formatAge(soakMs)],
    ['STATEFUL', ({ stateful }) => (stateful ? 'yes' : undefined)],
    ['STATE', (placement) => formatState(placement, past)],
  ];
  const more = placements.length > mostRows ? `… and ${placements.length - mostRows} more (see -o json)\n` : '';
  return formatTable(placements.slice(0, mostRows), columns) + more;
}

/** `past`: when the plan ended, in words; empty while it is followed. */
function formatState(
  { withdrawal, broughtBackBy, healthySince, standby }: Placement,
  past: string,
): string | undefined {
  if (broughtBackBy !== undefined) return `left to plan ${broughtBackBy}`;
  if (withdrawal === 'confirmed' && standby) return 'standby';
  if (withdrawal === undefined && healthySince === undefined && standby) return 'has a standby';
  if (withdrawal !== undefined) return withdrawalStates[withdrawal];
  if (healthySince === undefined) return undefined;
  return past === '' ? `Healthy for ${formatAge(Date.now() - Date.parse(healthySince))}` : `Healthy${past}`;
}

const withdrawalStates: Record<NonNullable<Placement['withdrawal']>, string> = {
  requested: 'withdrawing',
  confirmed: 'withdrawn',
  absent: 'not known any more',
};

function formatFindings({ findings }: PlanView): string {
  if (findings.length === 0) return '';
  return findings.map(({ severity, code, message }) => `${severity}: ${code}: ${message}\n`).join('');
}

function formatCpu(millis: number): string {
  return `${(millis / 1_000).toFixed(1)} cores`;
}

function formatMemory(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
