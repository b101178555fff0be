import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Command } from 'commander';
import { formatName, parseName } from '../application.ts';
import { timeoutOption } from '../option.ts';
import type { Run } from '../session.ts';
import { judgeState } from '../verdict.ts';
import { waitForApplications } from '../wait.ts';
import { addFilters, type FilterOptions, toQuery } from './app-filters.ts';

interface WaitOptions extends FilterOptions {
  all?: boolean;
  health?: boolean;
  sync?: boolean;
  timeout: number;
}

export function addWait(app: Command, run: Run): void {
  const wait = app
    .command('wait [name...]')
    .description('until Applications are Synced and Healthy, by news that is not stale')
    .option('--all', 'all Applications, or all that the filters leave')
    .option('--health', 'only until Healthy')
    .option('--sync', 'only until Synced')
    .addOption(timeoutOption());
  addFilters(wait).action(
    run<[string[]], WaitOptions>(async ({ client, io, tell }, [names], { all, health, sync, timeout, ...filters }) => {
      if ((names.length === 0) !== (all ?? false))
        throw new FleetError('Invalid', 'name Applications to wait for, or say --all (with filters, if you like)');
      const both = !health && !sync;
      await waitForApplications(client, {
        names: names.map((name) => formatName(parseName(name))),
        query: toQuery(filters),
        judge: (found) => judgeState(found, { health: both || health === true, sync: both || sync === true }),
        onDone: (name, { outcome }) => tell({ name, outcome }, `application ${name}: ${outcome}\n`),
        timeoutMs: timeout,
        signal: io.signal,
      });
    }),
  );
}
