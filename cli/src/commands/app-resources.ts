import type { Command } from 'commander';
import { type ApplicationAnswer, addressOf, formatOrphans } from '../application.ts';
import { formatTable } from '../output.ts';
import type { Run } from '../session.ts';

interface TreeNode {
  group: string;
  kind: string;
  namespace: string;
  name: string;
  createdAt?: string;
}

interface Tree {
  nodes: TreeNode[];
  orphanedNodes: TreeNode[];
}

export function addResources(app: Command, run: Run): void {
  app
    .command('resources <name>')
    .description('resources of an Application, and those in its namespace that belong to none')
    .option('--orphaned', 'only those that belong to no Application')
    .action(
      run<[string], { orphaned?: boolean }>(async ({ client, print }, [name], { orphaned = false }) => {
        const { path, query } = addressOf(name);
        const [tree, { fleet }] = await Promise.all([
          client.request<Tree>(`${path}/resource-tree`, { query }),
          client.request<ApplicationAnswer>(path, { query }),
        ]);
        const rows = [
          ...(orphaned ? [] : tree.nodes.map((node) => ({ ...node, orphaned: false }))),
          ...tree.orphanedNodes.map((node) => ({ ...node, orphaned: true })),
        ];
        print(rows, () => {
          const table = formatTable(
            rows,
            [
              ['GROUP', ({ group }) => group],
              ['KIND', ({ kind }) => kind],
              ['NAMESPACE', ({ namespace }) => namespace],
              ['NAME', ({ name }) => name],
              ['ORPHANED', (row) => (row.orphaned ? 'Yes' : 'No')],
            ],
            orphaned ? 'no orphaned resources' : 'no resources',
          );
          return `${table}${describeOrphans(fleet, tree.orphanedNodes.length)}`;
        });
      }),
    );
}

/** What the table does not say: how old it is, that it is cut short, or that nobody looks. */
function describeOrphans({ orphans }: ApplicationAnswer['fleet'], shown: number): string {
  if (!orphans) return 'Orphaned resources are not looked for: spec.orphanedResources of its project is not set.\n';
  const { total, problem } = orphans;
  const more = total > shown ? `; the first ${shown} are shown` : '';
  return `Orphaned resources: ${formatOrphans(orphans)}${more}.\n${problem ? `There may be others: ${problem}\n` : ''}`;
}
