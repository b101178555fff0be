import type { FleetCluster, HistoryEntry, PlanView } from '@wheelhouse/hub/api/deps';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Command } from 'commander';
import { formatAge, formatTable } from '../output.ts';
import type { Run } from '../session.ts';
import { addStartOptions, answerChange, paceOf, type StartOptions } from '../start-plan.ts';

const path = '/api/v1/fleet/clusters';

/** `cluster annotate` and `cluster history`. */
export function addMetadataCommands(cluster: Command, run: Run): void {
  const annotate = cluster
    .command('annotate <name> <annotations...>')
    .description(
      'set annotations (key=value) and remove them (key-); what would move Applications is planned and asked first',
    );
  addStartOptions(annotate).action(
    run<[string, string[]], StartOptions>(async (session, [name, changes], options) => {
      const annotations = Object.fromEntries(changes.map(parseAnnotationChange));
      const url = `${path}/${encodeURIComponent(name)}/annotations`;
      const body = { annotations, planOnly: options.dryRun === true, ...paceOf(options) };
      const answer = await session.client.request<FleetCluster | PlanView>(url, { method: 'PATCH', body });
      await answerChange(session, answer, {
        options,
        done: (changed) => `cluster ${name} annotated: ${formatPairs(changed.annotations) || 'no annotations'}\n`,
      });
    }),
  );
  cluster
    .command('history <name>')
    .description('who changed its labels and annotations, when and why; the newest last')
    .action(
      run<[string]>(async ({ client, print }, [name]) => {
        const url = `${path}/${encodeURIComponent(name)}/history`;
        const { items } = await client.request<{ items: HistoryEntry[] }>(url);
        print(items, () =>
          formatTable(
            items,
            [
              ['WHEN', ({ at }) => `${formatAge(Date.now() - Date.parse(at))} ago`],
              ['BY', ({ by }) => by],
              ['CHANGE', formatEntry],
              ['REASON', ({ reason }) => reason],
            ],
            `nobody has changed the labels or annotations of ${name}`,
          ),
        );
      }),
    );
}

/** `role=standby (was active), tier-`, annotations after labels. */
function formatEntry({ labels = {}, annotations = {}, apps }: HistoryEntry): string {
  const seen = apps === undefined ? '' : ` for ${apps}`;
  return [
    ...Object.entries(labels).map((change) => formatChange(change) + seen),
    ...Object.entries(annotations).map((change) => `annotation ${formatChange(change)}`),
  ].join(', ');
}

function formatChange([key, [before, after]]: [string, [before: string | null, after: string | null]]): string {
  const was = before === null ? '' : ` (was ${before})`;
  return after === null ? `${key}-${was}` : `${key}=${after}${was}`;
}

function formatPairs(annotations: Record<string, string>): string {
  return Object.entries(annotations)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

function parseAnnotationChange(text: string): [key: string, value: string | null] {
  const removed = /^([^=]+)-$/.exec(text)?.[1];
  if (removed !== undefined) return [removed, null];
  const at = text.indexOf('=');
  if (at < 1) throw new FleetError('Invalid', `"${text}" is not an annotation; write key=value, or key- to remove one`);
  return [text.slice(0, at), text.slice(at + 1)];
}
