import { type Command, Option } from 'commander';
import {
  type ApplicationAnswer,
  addressOf,
  formatHealth,
  formatName,
  listApplications,
  syncOf,
} from '../application.ts';
import { formatApplicationPage } from '../application-page.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { collect } from '../option.ts';
import { type Column, formatAge, formatTable } from '../output.ts';
import { formatParameters, readParameters } from '../parameters.ts';
import type { Run } from '../session.ts';
import { addFilters, type FilterOptions, toQuery } from './app-filters.ts';
import { addResources } from './app-resources.ts';
import { addSync } from './app-sync.ts';
import { addWait } from './app-wait.ts';
import { addWindows } from './app-windows.ts';

export function addAppCommands(program: Command, run: Run): void {
  const app = program.command('app').description('Applications');
  addList(app, run);
  addGet(app, run);
  addSync(app, run);
  addWait(app, run);
  addResources(app, run);
  addDiff(app, run);
  addDelete(app, run);
  addTerminate(app, run);
  addWindows(app, run);
}

const tableFields = ['metadata', 'spec.project', 'status.sync', 'status.health', 'fleet'];

const columns: Column<ApplicationAnswer>[] = [
  ['NAME', ({ metadata }) => formatName(metadata)],
  ['CLUSTER', ({ fleet }) => fleet.cluster],
  ['PROJECT', ({ spec }) => spec.project],
  ['SYNC', syncOf],
  ['HEALTH', formatHealth],
  ['REVISION', ({ status }) => status?.sync?.revision?.slice(0, 8)],
  ['STATUS AGE', ({ fleet }) => (fleet.ageMs === undefined ? undefined : formatAge(fleet.ageMs))],
];

function addList(app: Command, run: Run): void {
  const list = app.command('list').description('Applications, their sync and health, and the age of that news');
  addFilters(list)
    .option('--health <status>', 'of this health (repeatable)', collect)
    .option('--sync <status>', 'of this sync status (repeatable)', collect)
    .action(
      run<[], FilterOptions & { health?: string[]; sync?: string[] }>(
        async ({ client, print, format }, _args, options) => {
          const fields = format === 'table' ? tableFields.map((field) => `items.${field}`).join(',') : undefined;
          const query = { ...toQuery(options), health: options.health, sync: options.sync, fields };
          const { items } = await listApplications(client, query);
          print(items, () => formatTable(items, columns, 'no Applications'));
        },
      ),
    );
}

function addGet(app: Command, run: Run): void {
  app
    .command('get <name>')
    .description('one Application: what it should run, what runs, and what is wrong')
    .addOption(new Option('--refresh [how]', 'look at the source again').choices(['normal', 'hard']).preset('normal'))
    .option('--show-params', 'also the parameters that its plugins say they have, asked of them now')
    .action(
      run<[string], { refresh?: string; showParams?: boolean }>(async ({ client, print }, [name], options) => {
        const { path, query } = addressOf(name);
        const { refresh, showParams } = options;
        const found = await client.request<ApplicationAnswer>(path, { query: { ...query, refresh } });
        if (!showParams) return print(found, () => formatApplicationPage(found));
        const parameters = await readParameters(client, found);
        print({ ...found, parameters }, () => `${formatApplicationPage(found)}\n${formatParameters(parameters)}`);
      }),
    );
}

interface DiffItem {
  group: string;
  kind: string;
  namespace: string;
  name: string;
  change: string;
  text: string;
}

function addDiff(app: Command, run: Run): void {
  app
    .command('diff <name>')
    .description(
      `what a sync would change, asked of the cluster now; exit code ${exitCodes.differs} when there is something`,
    )
    .action(
      run<[string]>(async ({ client, print }, [name]): Promise<ExitCode> => {
        const { path, query } = addressOf(name);
        const { items } = await client.request<{ items: DiffItem[] }>(`${path}/diff`, { query });
        print(items, () =>
          items.map((item) => `${item.change} ${item.kind} ${formatName(item)}\n${item.text}\n`).join(''),
        );
        return items.length > 0 ? exitCodes.differs : exitCodes.ok;
      }),
    );
}

function addDelete(app: Command, run: Run): void {
  app
    .command('delete <name...>')
    .description('delete Applications and their resources')
    .option('--no-cascade', 'leave the resources running')
    .action(
      run<[string[]], { cascade: boolean }>(async ({ client, tell }, [names], { cascade }) => {
        for (const name of names) {
          const { path, query } = addressOf(name);
          await client.request(path, { method: 'DELETE', query: { ...query, cascade } });
          const outcome = `deleted${cascade ? '' : ', its resources left running'}`;
          tell({ name, outcome }, `application ${name} ${outcome}\n`);
        }
      }),
    );
}

function addTerminate(app: Command, run: Run): void {
  app
    .command('terminate <name>')
    .description('end the operation that runs')
    .action(
      run<[string]>(async ({ client, tell }, [name]) => {
        const { path, query } = addressOf(name);
        await client.request(`${path}/operation`, { method: 'DELETE', query });
        const outcome = 'its operation is being terminated';
        tell({ name, outcome }, `application ${name}: ${outcome}\n`);
      }),
    );
}
