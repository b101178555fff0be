import type { AdoptionView } from '@wheelhouse/hub/api/deps';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type Command, Option } from 'commander';
import { formatAge, formatFields, formatTable } from '../output.ts';
import type { Run } from '../session.ts';

const path = '/api/v1/fleet/adoption';

/** `hub adoption`: what clusters hold that the hub did not have, and what becomes of it. */
export function addAdoptionCommands(hub: Command, run: Run): void {
  const adoption = hub
    .command('adoption')
    .description('what clusters hold that the hub lost, and what of it nothing explains')
    .action(
      run(async ({ client, print }) => {
        const view = await client.request<AdoptionView>(path);
        print(view, () => formatAdoption(view));
      }),
    );
  addRelease(adoption, run);
  adoption
    .command('open')
    .description(
      'take over clusters that the hub does not know but once signed for, as after an older backup came back',
    )
    .option('--reason <text>', 'why, for the audit')
    .action(
      run<[], { reason?: string }>(async ({ client, print }, _args, { reason = '' }) => {
        const view = await client.request<AdoptionView>(`${path}/open`, { method: 'POST', body: { reason } });
        print(view, () => formatAdoption(view));
      }),
    );
  adoption
    .command('close')
    .description('everything is back: clusters that the hub does not know need a token again')
    .action(
      run(async ({ client, print }) => {
        const view = await client.request<AdoptionView>(`${path}/close`, { method: 'POST' });
        print(view, () => formatAdoption(view));
      }),
    );
}

interface ReleaseOptions {
  all?: boolean;
  keep?: boolean;
  remove?: boolean;
  reason?: string;
  confirm?: number;
}

function addRelease(adoption: Command, run: Run): void {
  adoption
    .command('release <cluster> [apps...]')
    .description('let go of applications that nothing explains')
    .option('--all', 'all of the cluster')
    .option('--keep', 'what they run stays, and nothing looks after it any more')
    .option('--remove', 'what they run is deleted')
    .option('--reason <text>', 'why, for the audit')
    .addOption(new Option('--confirm <count>', 'how many are removed; needed beyond the budget').argParser(readCount))
    .action(
      run<[string, string[]], ReleaseOptions>(async ({ client, print }, [cluster, apps], options) => {
        const body = { cluster, ...readChoice(apps, options), reason: options.reason ?? '', confirm: options.confirm };
        const answer = await client.request<{ released: { app: string }[] }>(`${path}/release`, {
          method: 'POST',
          body,
        });
        const what = body.action === 'keep' ? 'let go, what it runs stays' : 'to be removed';
        print(answer, () => answer.released.map(({ app }) => `${app} on ${cluster}: ${what}\n`).join(''));
      }),
    );
}

function readChoice(apps: string[], { all, keep, remove }: ReleaseOptions): { action: string; apps?: string[] } {
  if (Boolean(keep) === Boolean(remove))
    throw new FleetError('Invalid', 'say what becomes of what they run: either --keep or --remove');
  if (Boolean(all) === apps.length > 0) throw new FleetError('Invalid', 'name applications, or say --all');
  return { action: keep ? 'keep' : 'remove', ...(all ? {} : { apps }) };
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new FleetError('Invalid', `"${text}" is not a number of applications`);
}

export function formatAdoption(view: AdoptionView): string {
  const unexplained = view.clusters.flatMap(({ cluster, unexplained }) =>
    unexplained.map((one) => ({ cluster, ...one })),
  );
  const parts = [
    formatFields([
      ['Adoption', view.state],
      ['Opened', view.openedAt && `${ago(view.openedAt)} by ${view.by}: ${view.reason}`],
      ['Closed', view.closedAt && `${ago(view.closedAt)} by ${view.closedBy}`],
      ['Unknown clusters', view.unknown.join(', ')],
    ]),
    formatTable(
      view.clusters,
      [
        ['CLUSTER', ({ cluster }) => cluster],
        ['TAKEN OVER', ({ adoptedAt }) => adoptedAt && ago(adoptedAt)],
        ['GENERATION', ({ generation }) => generation],
        ['UNEXPLAINED', ({ unexplained }) => unexplained.length],
        ['PROBLEM', ({ problem }) => problem && `${problem.message} (${ago(problem.at)})`],
      ],
      view.state === 'Open'
        ? 'no cluster was taken over yet: each is once it is back, with what it holds'
        : 'nothing was taken over, and everything that runs is explained',
    ),
  ];
  if (unexplained.length > 0)
    parts.push(
      formatTable(unexplained, [
        ['CLUSTER', ({ cluster }) => cluster],
        ['APPLICATION', ({ app }) => app],
        ['PROJECT', ({ project }) => project],
        ['NAMESPACE', ({ ns }) => ns],
        ['REVISION', ({ revision }) => revision.slice(0, 12)],
      ]),
      'Apply what they came from, or: wheelhouse hub adoption release CLUSTER APP --keep | --remove\n',
    );
  return parts.join('\n');
}

function ago(at: string): string {
  return `${formatAge(Date.now() - Date.parse(at))} ago`;
}
