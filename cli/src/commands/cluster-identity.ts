import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Command } from 'commander';
import type { Run } from '../session.ts';

const pathOf = (name: string) => `/api/v1/fleet/clusters/${encodeURIComponent(name)}`;

/** What is done to the identity of a cluster: let in, shut out, another key, another name, removed. */
export function addClusterIdentity(cluster: Command, run: Run): void {
  cluster
    .command('approve <name>')
    .description('let a pending cluster have its assignment')
    .action(
      run<[string]>(async ({ client, print }, [name]) => {
        await client.request(`${pathOf(name)}/approve`, { method: 'POST' });
        print({ name }, () => `cluster ${name} approved; its agent follows at its next heartbeat\n`);
      }),
    );
  cluster
    .command('revoke <name>')
    .description('end its connection at once and let it in no more; what it runs stays')
    .requiredOption('--reason <reason>', 'why, for the audit and for whoever looks at the cluster')
    .action(
      run<[string], { reason: string }>(async ({ client, print }, [name], { reason }) => {
        await client.request(`${pathOf(name)}/revoke`, { method: 'POST', body: { reason } });
        print({ name }, () => `cluster ${name} revoked; to let it back: wheelhouse cluster token ${name} --replace\n`);
      }),
    );
  cluster
    .command('rotate-key <name>')
    .description('have its agent take a new key; the old one is refused from then on')
    .action(
      run<[string]>(async ({ client, print }, [name]) => {
        await client.request(`${pathOf(name)}/rotate-key`, { method: 'POST' });
        print({ name }, () => `cluster ${name} takes a new key at its next heartbeat\n`);
      }),
    );
  addMoves(cluster, run);
}

interface RemoveOptions {
  keepWorkloads?: boolean;
  removeWorkloads?: boolean;
  force?: boolean;
}

function addMoves(cluster: Command, run: Run): void {
  cluster
    .command('rename <name> <new-name>')
    .description('give it another name; destinations that use the old one still mean it')
    .option('--force', 'even though generated Applications hold the old name in theirs')
    .action(
      run<[string, string], { force?: boolean }>(async ({ client, print }, [from, to], { force = false }) => {
        await client.request(`${pathOf(from)}/rename`, { method: 'POST', body: { name: to, force } });
        print({ name: to }, () => `cluster ${from} is now ${to}; its agent follows at its next heartbeat\n`);
      }),
    );
  cluster
    .command('remove <name>')
    .description('have it leave the fleet, once it has let go of everything that it was assigned')
    .option('--keep-workloads', 'what it runs stays, unmanaged')
    .option('--remove-workloads', 'what it was assigned is deleted there first')
    .option('--force', 'with --keep-workloads: forget one that does not answer')
    .action(
      run<[string], RemoveOptions>(async ({ client, print }, [name], options) => {
        const { keepWorkloads = false, removeWorkloads = false, force } = options;
        if (keepWorkloads === removeWorkloads)
          throw new FleetError(
            'Invalid',
            `say what becomes of what ${name} runs: --keep-workloads leaves it there, --remove-workloads deletes it`,
          );
        const query = { workloads: keepWorkloads ? 'keep' : 'remove', force };
        await client.request(pathOf(name), { method: 'DELETE', query });
        print({ name }, () => `cluster ${name} leaves; wheelhouse cluster get ${name} shows it until it is gone\n`);
      }),
    );
}
