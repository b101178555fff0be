import type { EnrolmentTokenRecord, FleetCluster } from '@wheelhouse/hub/api/deps';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type Command, Option } from 'commander';
import { formatClusterPage, formatSeen } from '../cluster-page.ts';
import { collect, readDuration } from '../option.ts';
import { type Column, formatLabels, formatTable } from '../output.ts';
import type { Run } from '../session.ts';

const path = '/api/v1/fleet/clusters';

export function addClusterCommands(program: Command, run: Run): void {
  const cluster = program.command('cluster').description('clusters of the fleet');
  addRead(cluster, run);
  addLabel(cluster, run);
  addToken(cluster, run);
}

function addRead(cluster: Command, run: Run): void {
  cluster
    .command('list')
    .description('clusters, their labels and when they were last heard of')
    .option('-l, --selector <selector>', 'with these labels, as kubectl')
    .action(
      run<[], { selector?: string }>(async ({ client, print }, _args, { selector }) => {
        const { items } = await client.request<{ items: FleetCluster[] }>(path, { query: { selector } });
        print(items, () =>
          formatTable(items, columns, 'no clusters; make a token with: wheelhouse cluster token NAME'),
        );
      }),
    );
  cluster
    .command('get <name>')
    .description('one cluster')
    .action(
      run<[string]>(async ({ client, print }, [name]) => {
        const found = await client.request<FleetCluster>(`${path}/${encodeURIComponent(name)}`);
        print(found, () => formatClusterPage(found));
      }),
    );
}

function addLabel(cluster: Command, run: Run): void {
  cluster
    .command('label <name> <labels...>')
    .description('set labels (key=value) and remove them (key-); generators that select by label follow')
    .action(
      run<[string, string[]]>(async ({ client, print }, [name, changes]) => {
        const labels = Object.fromEntries(changes.map(parseLabelChange));
        const url = `${path}/${encodeURIComponent(name)}/labels`;
        const changed = await client.request<FleetCluster>(url, { method: 'PATCH', body: { labels } });
        print(changed, () => `cluster ${name} labelled: ${formatLabels(changed.labels) || 'no labels'}\n`);
      }),
    );
}

interface TokenOptions {
  label?: string[];
  expires?: number;
  replace?: boolean;
}

function addToken(cluster: Command, run: Run): void {
  cluster
    .command('token <name>')
    .description('make a token with which one agent may join under this name, once')
    .option('--label <label>', 'label that the cluster gets, key=value (repeatable)', collect)
    .option(
      '--replace',
      'for a cluster that was installed anew: it takes the place of the one enrolled under this name',
    )
    .addOption(
      new Option('--expires <duration>', 'how long it may be used; the hub’s default otherwise').argParser(
        readDuration,
      ),
    )
    .action(
      run<[string], TokenOptions>(async ({ client, io, print }, [name], { label = [], expires, replace }) => {
        const body = {
          cluster: name,
          labels: parseLabels(label),
          ...(expires ? { expiresInMs: expires } : {}),
          ...(replace ? { replace } : {}),
        };
        const made = await client.request<EnrolmentTokenRecord & { token: string }>('/api/v1/fleet/tokens', {
          method: 'POST',
          body,
        });
        print(made, () => `${made.token}\n`);
        io.err(
          `valid once, until ${made.expiresAt}; in the cluster: wheelhouse agent --token TOKEN --kubeconfig FILE\n`,
        );
      }),
    );
}

const columns: Column<FleetCluster>[] = [
  ['NAME', ({ name }) => name],
  ['STATE', ({ state }) => state],
  ['LAST SEEN', ({ lastSeenAt }) => formatSeen(lastSeenAt)],
  ['APPLICATIONS', ({ applications }) => applications?.total],
  ['HEALTHY', ({ applications }) => applications?.healthy],
  ['STALE', ({ applications }) => applications?.stale],
  ['KUBERNETES', ({ kubernetesVersion }) => kubernetesVersion],
  ['LABELS', ({ labels }) => formatLabels(labels)],
];

function parseLabelChange(text: string): [key: string, value: string | null] {
  const removed = /^([^=]+)-$/.exec(text)?.[1];
  return removed === undefined ? parseLabel(text) : [removed, null];
}

function parseLabels(texts: string[]): Record<string, string> {
  return Object.fromEntries(texts.flatMap((text) => text.split(',')).map(parseLabel));
}

function parseLabel(text: string): [key: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) throw new FleetError('Invalid', `"${text}" is not a label; write key=value, or key- to remove one`);
  return [text.slice(0, at), text.slice(at + 1)];
}
