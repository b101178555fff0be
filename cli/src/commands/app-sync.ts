import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Command } from 'commander';
import { addressOf, formatName, parseName } from '../application.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { collect, timeoutOption } from '../option.ts';
import type { Run, Session } from '../session.ts';
import { judgeOperation } from '../verdict.ts';
import { waitForApplications } from '../wait.ts';

interface SyncOptions {
  prune?: boolean;
  dryRun?: boolean;
  force?: boolean;
  resource?: string[];
  option?: string[];
  async?: boolean;
  timeout: number;
}

export function addSync(app: Command, run: Run): void {
  app
    .command('sync <name...>')
    .description('apply what Git says, now')
    .option('--prune', 'also delete what is no longer in Git')
    .option('--dry-run', 'only say whether it would be accepted')
    .option('--force', 'delete and recreate what cannot be changed in place')
    .option('--resource <resource>', 'only GROUP:KIND:[NAMESPACE/]NAME (repeatable)', collect)
    .option('--option <option>', 'Argo CD sync option, as Replace=true (repeatable)', collect)
    .option('--async', 'do not wait for the end')
    .addOption(timeoutOption())
    .action(
      run<[string[]], SyncOptions>(async (session, [names], options) => {
        const operations = await startSyncs(session, names, options);
        return options.async ? exitCodes.ok : await waitForOperations(session, operations, options.timeout);
      }),
    );
}

/** Ids of the operations, by name. */
async function startSyncs(
  { client, tell }: Session,
  names: string[],
  options: SyncOptions,
): Promise<Map<string, string>> {
  const body = toSyncBody(options);
  const operations = new Map<string, string>();
  for (const name of names) {
    const { path, query } = addressOf(name);
    const started = await client.request<{ operationId: string }>(`${path}/sync`, { method: 'POST', query, body });
    operations.set(formatName(parseName(name)), started.operationId);
    if (options.async) tell({ name, outcome: 'sync asked for' }, `application ${name}: sync asked for\n`);
  }
  return operations;
}

async function waitForOperations(
  { client, io, tell }: Session,
  operations: Map<string, string>,
  timeoutMs: number,
): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  await waitForApplications(client, {
    names: [...operations.keys()],
    query: {},
    judge: (found) => judgeOperation(found, operations.get(formatName(found.metadata)) ?? ''),
    onDone: (name, { outcome, failed }) => {
      if (failed) code = exitCodes.failed;
      tell({ name, outcome, ...(failed ? { failed } : {}) }, `application ${name}: ${outcome}\n`);
    },
    timeoutMs,
    signal: io.signal,
  });
  return code;
}

function toSyncBody({ prune = false, dryRun = false, force, resource, option }: SyncOptions) {
  return {
    prune,
    dryRun,
    ...(force ? { strategy: { apply: { force } } } : {}),
    ...(option ? { syncOptions: { items: option } } : {}),
    ...(resource ? { resources: resource.map(parseResourceName) } : {}),
  };
}

/** Argo CD: `GROUP:KIND:NAME`, the name with its namespace before a slash where needed. */
function parseResourceName(text: string) {
  const [group = '', kind, id, ...rest] = text.split(':');
  if (!kind || !id || rest.length > 0)
    throw new FleetError('Invalid', `"${text}" is not a resource; write GROUP:KIND:NAME, as apps:Deployment:web`);
  const [first = '', second] = id.split('/');
  return second === undefined ? { group, kind, name: first } : { group, kind, namespace: first, name: second };
}
