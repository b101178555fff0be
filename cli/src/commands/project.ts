import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Command } from 'commander';
import { type Column, formatFields, formatTable } from '../output.ts';
import type { Run } from '../session.ts';

const path = '/api/v1/projects';

export function addProjectCommands(program: Command, run: Run): void {
  const project = program
    .command('project')
    .description('AppProjects: what Applications may use and where they may go');
  project
    .command('list')
    .description('AppProjects')
    .action(
      run(async ({ client, print }) => {
        const { items } = await client.request<{ items: AppProject[] }>(path);
        print(items, () => formatTable(items, columns, 'no AppProjects but the built-in default'));
      }),
    );
  project
    .command('get <name>')
    .description('one AppProject')
    .action(
      run<[string]>(async ({ client, print }, [name]) => {
        const found = await client.request<AppProject>(`${path}/${encodeURIComponent(name)}`);
        print(found, () => formatFields(columns.map(([heading, cell]) => [heading.toLowerCase(), cell(found)])));
      }),
    );
}

const columns: Column<AppProject>[] = [
  ['NAME', ({ metadata }) => metadata.name],
  ['DESCRIPTION', ({ spec }) => spec.description],
  ['REPOSITORIES', ({ spec }) => spec.sourceRepos?.join(',')],
  ['DESTINATIONS', ({ spec }) => spec.destinations?.map(describeDestination).join(',')],
];

function describeDestination({
  name,
  server,
  namespace = '*',
}: {
  name?: string;
  server?: string;
  namespace?: string;
}): string {
  return `${name ?? server ?? '*'}/${namespace}`;
}
