import type { FleetCluster, PlanView } from '@wheelhouse/hub/api/deps';
import type { Command } from 'commander';
import { formatClusterPage, formatSeen } from '../cluster-page.ts';
import { parseLabelChanges } from '../label.ts';
import { type Column, formatLabels, formatTable } from '../output.ts';
import type { Run } from '../session.ts';
import { addStartOptions, answerChange, paceOf, type StartOptions } from '../start-plan.ts';
import { addClusterIdentity } from './cluster-identity.ts';
import { addMetadataCommands } from './cluster-metadata.ts';
import { addClusterTokens } from './cluster-token.ts';

const path = '/api/v1/fleet/clusters';

export function addClusterCommands(program: Command, run: Run): void {
  const cluster = program.command('cluster').description('clusters of the fleet');
  addRead(cluster, run);
  addLabel(cluster, run);
  addClusterTokens(cluster, run);
  addClusterIdentity(cluster, run);
  addMetadataCommands(cluster, run);
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
  const command = cluster
    .command('label <name> <labels...>')
    .description(
      'set labels (key=value) and remove them (key-); what would move Applications is planned and asked first',
    );
  command.option(
    '--app <selector>',
    'only Applications with these labels see the change; the cluster keeps its labels',
  );
  addStartOptions(command).action(
    run<[string, string[]], StartOptions & { app?: string }>(async (session, [name, changes], { app, ...options }) => {
      const url = `${path}/${encodeURIComponent(name)}/labels`;
      const apps = app === undefined ? {} : { apps: app };
      const body = {
        labels: parseLabelChanges(changes),
        ...apps,
        planOnly: options.dryRun === true,
        ...paceOf(options),
      };
      const answer = await session.client.request<FleetCluster | PlanView>(url, { method: 'PATCH', body });
      const seen = app === undefined ? '' : ` for ${app}`;
      await answerChange(session, answer, {
        options,
        done: ({ labels }) => `cluster ${name} labelled${seen}: ${formatLabels(labels) || 'no labels'}\n`,
      });
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
