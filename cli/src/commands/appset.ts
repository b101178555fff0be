import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Command } from 'commander';
import { formatName, parseName } from '../application.ts';
import type { Client } from '../client.ts';
import { collect } from '../option.ts';
import { type Column, formatFields, formatTable } from '../output.ts';
import type { Run } from '../session.ts';

const path = '/api/v1/applicationsets';

export function addAppSetCommands(program: Command, run: Run): void {
  const appset = program.command('appset').description('ApplicationSets');
  appset
    .command('list')
    .description('ApplicationSets and how their last evaluation went')
    .option('-p, --project <name>', 'of this project (repeatable)', collect)
    .option('-l, --selector <selector>', 'with these labels')
    .action(
      run<[], { project?: string[]; selector?: string }>(async ({ client, print }, _args, { project, selector }) => {
        const query = { projects: project, selector };
        const { items } = await client.request<{ items: ApplicationSet[] }>(path, { query });
        print(items, () => formatTable(items, columns, 'no ApplicationSets'));
      }),
    );
  appset
    .command('get <name>')
    .description('one ApplicationSet: conditions and the Applications it makes')
    .action(
      run<[string]>(async ({ client, print }, [name]) => {
        const found = await client.request<ApplicationSet>(...requestOf(name));
        print(found, () => formatPage(found));
      }),
    );
  addChanges(appset, run);
}

function addChanges(appset: Command, run: Run): void {
  appset
    .command('delete <name...>')
    .description('delete ApplicationSets, and with them the Applications they made')
    .option('--all-at-once', 'with deletionOrder: Reverse, do not wait for one step after the other')
    .action(
      run<[string[]], { allAtOnce?: boolean }>(async ({ client, tell }, [names], { allAtOnce = false }) => {
        for (const name of names) {
          const [url, { query }] = requestOf(name);
          await client.request(url, { query: { ...query, ...(allAtOnce ? { allAtOnce } : {}) }, method: 'DELETE' });
          const left = await findSet(client, name);
          if (left?.metadata.deletionTimestamp)
            tell({ name, outcome: 'deleting' }, `applicationset ${name} is being deleted: ${describeState(left)}\n`);
          else tell({ name, outcome: 'deleted' }, `applicationset ${name} deleted\n`);
        }
      }),
    );
  appset
    .command('release <name>')
    .description('let the deletions go ahead that its budget holds')
    .option('--rejected', 'those that somebody rejected instead')
    .action(
      run<[string], { rejected?: boolean }>(async ({ client, tell }, [name], { rejected = false }) => {
        const [url, { query }] = requestOf(name);
        await client.request(`${url}/release`, {
          query: { ...query, ...(rejected ? { rejected } : {}) },
          method: 'POST',
        });
        const outcome = `${rejected ? 'rejected' : 'held'} deletions released`;
        tell({ name, outcome }, `applicationset ${name}: ${outcome}\n`);
      }),
    );
  appset
    .command('reject <name>')
    .description('keep what its budget holds, until it is generated again')
    .requiredOption('--reason <text>', 'why')
    .action(
      run<[string], { reason: string }>(async ({ client, tell }, [name], { reason }) => {
        const [url, { query }] = requestOf(name);
        await client.request(`${url}/reject`, { query, method: 'POST', body: { reason } });
        const outcome = 'held deletions rejected, the Applications stay';
        tell({ name, outcome }, `applicationset ${name}: ${outcome}\n`);
      }),
    );
}

/** What is left of one that was deleted: undefined when it is gone. */
async function findSet(client: Client, name: string): Promise<ApplicationSet | undefined> {
  try {
    return await client.request<ApplicationSet>(...requestOf(name));
  } catch (error) {
    // who may delete it need not be allowed to look at it
    if (isFleetError(error, 'NotFound') || isFleetError(error, 'Forbidden')) return undefined;
    throw error;
  }
}

const columns: Column<ApplicationSet>[] = [
  ['NAME', ({ metadata }) => formatName(metadata)],
  ['GENERATORS', ({ spec }) => spec.generators.map(describeGenerator).join(',')],
  ['APPLICATIONS', ({ status }) => status?.resourcesCount],
  ['STATE', describeState],
];

/** `matrix(git,clusters)`. */
function describeGenerator(generator: object): string {
  const [kind = '', value] = Object.entries(generator).find(([key]) => key !== 'selector') ?? [];
  const { generators } = (value ?? {}) as { generators?: object[] };
  return generators ? `${kind}(${generators.map(describeGenerator).join(',')})` : kind;
}

/** `up to date`, or what keeps it from being that. */
export function describeState({ status }: ApplicationSet): string {
  if (!status?.conditions) return 'not evaluated yet';
  const isTrue = (type: string) => status.conditions?.find((one) => one.type === type && one.status === 'True');
  const problem =
    isTrue('DeletionProgressing') ?? isTrue('ErrorOccurred') ?? isTrue('DeletionHeld') ?? isTrue('DeletionRejected');
  return problem ? `${problem.type}: ${problem.message ?? ''}` : 'up to date';
}

function formatPage(set: ApplicationSet): string {
  const { metadata, spec, status } = set;
  const fields = formatFields([
    ['Name', formatName(metadata)],
    ['Generators', spec.generators.map(describeGenerator).join(', ')],
    ['Applications', status?.resourcesCount],
    ['State', describeState(set)],
  ]);
  const conditions = (status?.conditions ?? []).map(
    ({ type, status: is, message }) => `  ${type} ${is}: ${message ?? ''}\n`,
  );
  const resources = (status?.resources ?? []) as { name?: string; namespace?: string }[];
  const applications = resources.map((resource) => `  ${formatName(resource)}\n`);
  return [fields, section('Conditions', conditions), section('Applications', applications)].filter(Boolean).join('\n');
}

function section(title: string, lines: string[]): string {
  return lines.length > 0 ? `${title}:\n${lines.join('')}` : '';
}

function requestOf(text: string): [url: string, options: { query: { appsetNamespace: string } }] {
  const { namespace, name } = parseName(text);
  return [`${path}/${encodeURIComponent(name)}`, { query: { appsetNamespace: namespace } }];
}
