import type { EnrolmentTokenRecord } from '@wheelhouse/hub/api/deps';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type Command, Option } from 'commander';
import { formatAgentManifest, formatInstallation } from '../agent-manifest.ts';
import { parseLabels } from '../label.ts';
import { collect, readDuration } from '../option.ts';
import { type Column, formatLabels, formatTable } from '../output.ts';
import type { Run } from '../session.ts';
import { clientVersion } from './version.ts';

const path = '/api/v1/fleet/tokens';

interface TokenOptions {
  label?: string[];
  allowLabel?: string[];
  expires?: number;
  replace?: boolean;
  approval?: boolean;
  manifest?: boolean;
  clusterName?: string;
}

/** Enrolment tokens: made, listed without their secret, revoked. */
export function addClusterTokens(cluster: Command, run: Run): void {
  addToken(cluster, run);
  cluster
    .command('tokens')
    .description('enrolment tokens, without their secret')
    .action(
      run<[]>(async ({ client, print }) => {
        const { items } = await client.request<{ items: EnrolmentTokenRecord[] }>(path);
        print(items, () => formatTable(items, columns, 'no tokens; make one with: wheelhouse cluster token NAME'));
      }),
    );
  cluster
    .command('revoke-token <id>')
    .description('make a token useless; a cluster that joined with it stays')
    .action(
      run<[string]>(async ({ client, print }, [id]) => {
        await client.request(`${path}/${encodeURIComponent(id)}`, { method: 'DELETE' });
        print({ id }, () => `token ${id} revoked\n`);
      }),
    );
}

function addToken(cluster: Command, run: Run): void {
  cluster
    .command('token <name>')
    .description(
      "make a token with which one agent may join, once: under this name, or, for 'eu-*', under one that matches",
    )
    .option('--label <label>', 'label that the cluster gets, key=value (repeatable)', collect)
    .option(
      '--allow-label <label>',
      'label that the agent may choose, key=value|value or key for any value (repeatable)',
      collect,
    )
    .option(
      '--replace',
      'for a cluster that was installed anew or revoked: it takes the place of the one enrolled under this name',
    )
    .option('--manifest', 'print what kubectl apply takes, with the token in it, instead of the token')
    .option('--cluster-name <name>', 'with a pattern: the name that the agent of the printed lines takes')
    .option('--approval', "the cluster gets nothing before 'wheelhouse cluster approve NAME'")
    .addOption(
      new Option('--expires <duration>', 'how long it may be used; the hub’s default otherwise').argParser(
        readDuration,
      ),
    )
    .action(
      run<[string], TokenOptions>(async ({ client, io, print }, [name], options) => {
        assertNamed(name, options);
        const made = await client.request<EnrolmentTokenRecord & { token: string }>(path, {
          method: 'POST',
          body: formatRequest(name, options),
        });
        const install = { token: made.token, version: clientVersion(), clusterName: options.clusterName };
        print(made, () => (options.manifest ? formatAgentManifest(install) : `${made.token}\n`));
        io.err(
          options.manifest ? `valid once, until ${made.expiresAt}\n` : formatInstallation(install, made.expiresAt),
        );
      }),
    );
}

function formatRequest(name: string, options: TokenOptions): object {
  const { label = [], allowLabel = [], expires, replace, approval } = options;
  return {
    cluster: name,
    labels: parseLabels(label),
    ...(allowLabel.length > 0 ? { allowedLabels: Object.fromEntries(allowLabel.map(parseAllowed)) } : {}),
    ...(expires ? { expiresInMs: expires } : {}),
    ...(replace ? { replace } : {}),
    ...(approval ? { approval } : {}),
  };
}

/** A manifest is for one cluster. Throws Invalid. */
function assertNamed(name: string, { manifest, clusterName }: TokenOptions): void {
  if (!manifest || !name.includes('*') || clusterName !== undefined) return;
  throw new FleetError(
    'Invalid',
    `${name} stands for many names: say with --cluster-name which one the manifest is for`,
  );
}

/** `zone=a|b`, or `zone` for any value. */
function parseAllowed(text: string): [key: string, values: string[]] {
  const [key = '', values, ...more] = text.split('=');
  if (key === '' || values === '' || more.length > 0)
    throw new FleetError('Invalid', `"${text}" allows no label; write key=value|value, or key for any value`);
  return [key, values === undefined ? ['*'] : values.split('|')];
}

const columns: Column<EnrolmentTokenRecord>[] = [
  ['ID', ({ id }) => id],
  ['CLUSTER', ({ cluster, usedFor }) => (usedFor && usedFor !== cluster ? `${cluster} (${usedFor})` : cluster)],
  ['STATE', stateOf],
  ['APPROVAL', ({ approval }) => (approval ? 'needed' : undefined)],
  ['LABELS', ({ labels }) => formatLabels(labels)],
  ['MAY CHOOSE', ({ allowedLabels = {} }) => formatAllowed(allowedLabels)],
  ['BY', ({ by }) => by],
];

function stateOf({ usedAt, expiresAt }: EnrolmentTokenRecord): string {
  if (usedAt) return `used ${usedAt}`;
  return Date.parse(expiresAt) > Date.now() ? `good until ${expiresAt}` : `expired ${expiresAt}`;
}

function formatAllowed(allowed: Record<string, string[]>): string {
  return Object.entries(allowed)
    .map(([key, values]) => (values.includes('*') ? key : `${key}=${values.join('|')}`))
    .join(',');
}
