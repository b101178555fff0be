import type { Command } from 'commander';
import { formatName } from '../application.ts';
import { type Column, formatAge, formatTable } from '../output.ts';
import type { Run } from '../session.ts';

interface StoredResource {
  kind: string;
  namespace: string;
  name: string;
  updatedAt: string;
  by: string;
  owner?: string;
  warnings: string[];
}

/** Everything that was applied, so that no kind is kept without a way to see it. */
export function addResourceCommands(program: Command, run: Run): void {
  program
    .command('resource')
    .description('everything that the hub keeps')
    .command('list')
    .description('objects of every kind, who wrote them, and what of them has no effect')
    .option('--kind <kind>', 'of this kind')
    .action(
      run<[], { kind?: string }>(async ({ client, print }, _args, { kind }) => {
        const { items } = await client.request<{ items: StoredResource[] }>('/api/v1/fleet/resources', {
          query: { kind },
        });
        print(items, () => formatTable(items, columns));
      }),
    );
}

const columns: Column<StoredResource>[] = [
  ['KIND', ({ kind }) => kind],
  ['NAME', formatName],
  ['CHANGED', ({ updatedAt }) => `${formatAge(Date.now() - Date.parse(updatedAt))} ago`],
  ['BY', ({ by }) => by],
  ['OWNER', ({ owner }) => owner],
  ['WARNINGS', ({ warnings }) => warnings.join('; ')],
];
