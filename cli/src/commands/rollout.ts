import type { RolloutDetail, RolloutView } from '@wheelhouse/hub/api/deps';
import { type Command, Option } from 'commander';
import { formatName, parseName } from '../application.ts';
import { type Column, formatAge, formatFields, formatTable } from '../output.ts';
import type { Run } from '../session.ts';

const path = '/api/v1/fleet/rollouts';

/** Of two rollouts with one name: which. */
const kindOption = () =>
  new Option('--kind <kind>', 'where a FleetRollout and an ApplicationSet have the same name').choices([
    'FleetRollout',
    'RollingSync',
  ]);

interface Addressed {
  kind?: string;
}

export function addRolloutCommands(program: Command, run: Run): void {
  const rollout = program.command('rollout').description('changes on their way over the fleet, step by step');
  addRead(rollout, run);
  addPause(rollout, run);
  addEnd(rollout, run);
  addApprove(rollout, run);
}

function addRead(rollout: Command, run: Run): void {
  rollout
    .command('list')
    .description('rollouts, where each is, and why')
    .action(
      run<[]>(async ({ client, print }) => {
        const { items } = await client.request<{ items: RolloutView[] }>(path);
        print(items, () => formatTable(items, columns, 'no rollouts; apply a FleetRollout'));
      }),
    );
  rollout
    .command('get <name>')
    .description('one rollout: its steps, the clusters it changes, and what happened')
    .addOption(kindOption())
    .action(
      run<[string], Addressed>(async ({ client, print }, [name], options) => {
        const [url, query] = addressOf(name, options);
        const found = await client.request<RolloutDetail>(url, { query });
        print(found, () => formatPage(found));
      }),
    );
}

interface PauseOptions extends Addressed {
  reason: string;
  until?: string;
  for?: string;
}

function addPause(rollout: Command, run: Run): void {
  rollout
    .command('pause <name>')
    .description('begin nothing more; what is under way is still judged')
    .requiredOption('--reason <text>', 'why')
    .option('--until <time>', 'when it ends by itself, RFC 3339')
    .option('--for <duration>', 'after how long it ends by itself, as 2h')
    .addOption(kindOption())
    .action(
      run<[string], PauseOptions>(async ({ client, print }, [name], options) => {
        const { reason, until, for: duration } = options;
        const body = { reason, ...(until ? { until } : {}), ...(duration ? { for: duration } : {}) };
        const [url, query] = addressOf(name, options);
        const found = await client.request<RolloutDetail>(`${url}/pause`, { method: 'POST', query, body });
        const end = found.pause?.until ? ` until ${found.pause.until}` : '';
        print(found, () => `rollout ${name} paused${end}: ${reason}\n`);
      }),
    );
  rollout
    .command('resume <name>')
    .description('end a pause; after a failure, an abort or an undo: begin anew')
    .addOption(kindOption())
    .action(
      run<[string], Addressed>(async ({ client, print }, [name], options) => {
        const [url, query] = addressOf(name, options);
        const found = await client.request<RolloutDetail>(`${url}/resume`, { method: 'POST', query });
        print(found, () => `rollout ${name} resumed\n`);
      }),
    );
}

function addEnd(rollout: Command, run: Run): void {
  const commands = [
    ['abort', 'end the run where it is: what was updated stays so', 'is ended where it is'],
    ['undo', 'take the newest run back to what is recorded', 'is taken back'],
  ] as const;
  for (const [verb, description, done] of commands)
    rollout
      .command(`${verb} <name>`)
      .description(description)
      .requiredOption('--reason <text>', 'why')
      .addOption(kindOption())
      .action(
        run<[string], Addressed & { reason: string }>(async ({ client, print }, [name], options) => {
          const [url, query] = addressOf(name, options);
          const body = { reason: options.reason };
          const found = await client.request<RolloutDetail>(`${url}/${verb}`, { method: 'POST', query, body });
          print(found, () => `rollout ${name} ${done}\n`);
        }),
      );
}

function addApprove(rollout: Command, run: Run): void {
  rollout
    .command('approve <name>')
    .description('let a step begin that waits for approval')
    .option('--step <name>', 'another step than the one that waits')
    .option('--comment <text>', 'for the record')
    .addOption(kindOption())
    .action(
      run<[string], Addressed & { step?: string; comment?: string }>(async ({ client, print }, [name], options) => {
        const { step, comment } = options;
        const body = { ...(step ? { step } : {}), ...(comment ? { comment } : {}) };
        const [url, query] = addressOf(name, options);
        const found = await client.request<RolloutDetail>(`${url}/approve`, { method: 'POST', query, body });
        print(found, () => `rollout ${name}: step ${step ?? stepName(found)} approved\n`);
      }),
    );
}

const columns: Column<RolloutView>[] = [
  ['NAME', formatName],
  ['KIND', ({ kind }) => kind],
  ['PHASE', ({ phase }) => phase],
  ['REVISION', ({ revision }) => revision],
  ['STEP', (view) => (view.step ? `${view.step}/${view.steps.length} ${stepName(view)}` : undefined)],
  ['CLUSTERS', ({ members }) => formatCounts(members)],
  ['SINCE', ({ since }) => since && formatAge(Date.now() - Date.parse(since))],
  ['WHY', formatWhy],
];

/** A rollout with nothing under way may be paused too, and says so here. */
export function formatWhy({ phase, message, pause }: Pick<RolloutView, 'phase' | 'message' | 'pause'>): string {
  return pause && phase !== 'Paused' ? `paused ${formatPause(pause)}; ${message}` : message;
}

function formatPause({ by, reason, until }: NonNullable<RolloutView['pause']>): string {
  return `by ${by}: ${reason}${until ? `, until ${until}` : ''}`;
}

function stepName({ step = 1, steps }: RolloutView): string {
  return steps[step - 1]?.name ?? '';
}

/** `3 Healthy, 1 Updating`. */
function formatCounts(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
}

function formatPage(view: RolloutDetail): string {
  const head = formatFields([
    ['Name', formatName(view)],
    ['Kind', view.kind],
    ['Phase', view.phase],
    ['Why', view.message],
    ['Run', view.run === undefined ? undefined : `${view.run} (${view.outcome ?? 'under way'})`],
    ['Revision', view.revision],
    ['Started', view.startedAt],
    ['Ended', view.endedAt],
    ['Paused', view.pause && formatPause(view.pause)],
  ]);
  const sections = [
    ['Warnings', view.warnings.map((text) => `  ${text}\n`).join('')],
    ['Steps', view.steps.length > 0 ? formatTable(view.steps, stepColumns) : ''],
    ['Clusters', view.clusters.length > 0 ? formatTable(view.clusters, clusterColumns) : ''],
    ['Events', view.events.length > 0 ? formatTable(view.events.slice(-15), eventColumns) : ''],
  ];
  return [head, ...sections.filter(([, text]) => text).map(([title, text]) => `${title}:\n${text}`)].join('\n');
}

const stepColumns: Column<RolloutDetail['steps'][number]>[] = [
  ['STEP', ({ name }) => name],
  ['STATE', ({ state }) => state],
  ['SIZE', ({ size }) => size],
  ['CLUSTERS', ({ members }) => formatCounts(members)],
  [
    'APPROVAL',
    ({ needsApproval, approved }) => (approved ? `by ${approved.by}` : needsApproval ? 'needed' : undefined),
  ],
  ['PROVED', ({ provedAt }) => provedAt],
];

const clusterColumns: Column<RolloutDetail['clusters'][number]>[] = [
  ['CLUSTER', ({ name }) => name],
  ['STEP', ({ step }) => step],
  ['STATE', ({ state }) => state],
  ['REVISION', ({ applications: [first] }) => first && `${first.from ?? '(none)'} -> ${first.to}`],
  ['WHY', ({ message }) => message],
];

const eventColumns: Column<RolloutDetail['events'][number]>[] = [
  ['AT', ({ at }) => at],
  ['EVENT', ({ type }) => type],
  ['BY', ({ by }) => by],
  ['WHAT', ({ message }) => message],
];

function addressOf(text: string, { kind }: Addressed): [url: string, query: Record<string, string | undefined>] {
  const { namespace, name } = parseName(text);
  return [`${path}/${encodeURIComponent(name)}`, { namespace, kind }];
}
