// `npm start`: a hub with NATS and Redis, three clusters and a Git server, each a process of its own, and a live table.
// State lives in .wheelhouse; Ctrl-C ends everything; --reset forgets it, --kubernetes takes real API servers, --jaeger traces.
import { existsSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { sleep } from '@wheelhouse/shared/async/abort';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { runChild } from '@wheelhouse/test/support/child';
import { startGitServer } from '@wheelhouse/test/support/git-server';
import { startJaeger } from '@wheelhouse/test/support/jaeger';
import { type Platform, startPlatform } from '@wheelhouse/test/support/platform';
import { getTool } from '@wheelhouse/test/support/tools';
import { startDemoClusters } from './demo/clusters.ts';
import { type DemoPorts, demoRoot, prepareLayout } from './demo/layout.ts';
import { demoApplicationSet, demoFiles } from './demo/repository.ts';
import { formatFleet, isSettled, readFleet } from './demo/table.ts';

const help = `npm start [-- OPTIONS]
  --kubernetes  three real API servers instead of simulated clusters
  --jaeger      run Jaeger beside, and trace every commit
  --once        end when every Application is Healthy
  --reset       forget the demo's state, and end
`;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
// a terminal's Ctrl-C reaches every process of the demo at once; this one outlives them to say so
process.on('SIGINT', () => undefined);

async function main(): Promise<void> {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({ options: { kubernetes: flag, jaeger: flag, once: flag, reset: flag, help: flag } });
  if (values.help) return void process.stdout.write(help);
  if (values.reset) {
    await rm(demoRoot, { recursive: true, force: true });
    return void process.stdout.write('forgotten: the next npm start begins anew\n');
  }
  const started = performance.now();
  await using stack = new AsyncDisposableStack();
  const { dir, ports } = await prepareLayout(values.kubernetes);
  const { platform, traces } = await startEverything({ dir, ports, stack, ...values });
  await copyFile(join(dir, 'context.json'), join(demoRoot, 'context.json'));
  await copyFile(join(dir, 'clusters.json'), join(demoRoot, 'clusters.json'));
  const footer = formatFooter({ platform, dir, traces });
  await follow(platform, { footer, once: values.once, started });
}

interface DemoOptions {
  dir: string;
  ports: DemoPorts;
  stack: AsyncDisposableStack;
  kubernetes: boolean;
  jaeger: boolean;
}

async function startEverything(options: DemoOptions): Promise<{ platform: Platform; traces: string | undefined }> {
  const { dir, ports, stack, kubernetes } = options;
  const say = (text: string) => process.stdout.write(`${text}\n`);
  const jaeger = options.jaeger
    ? stack.use(await startJaeger({ otlpPort: ports.otlp, queryPort: ports.jaeger }))
    : undefined;
  const env: Record<string, string> = jaeger ? { WHEELHOUSE_OTLP_ENDPOINT: jaeger.otlpUrl } : {};
  say('starting NATS, Redis, Git and the hub');
  const git = stack.use(await startGitServer({ dir: join(dir, 'git'), port: ports.git }));
  const repository = await git.createRepository('shop', demoFiles());
  await cloneShop(repository);
  const hubEnv = { ...env, WHEELHOUSE_POLL_INTERVAL: '2s' };
  const platform = stack.use(await startPlatform({ dir, hubEnv, ports }));
  say(kubernetes ? 'starting three Kubernetes API servers and their agents' : 'starting three simulated clusters');
  await startDemoClusters(platform, { kubernetes, ports, stack, env });
  await platform.apply(demoApplicationSet(repository.url));
  return { platform, traces: jaeger?.queryUrl };
}

const shop = join(demoRoot, 'shop');

/** A work tree to commit in; it pushes straight into the served repository. */
async function cloneShop(repository: { dir: string; url: string }): Promise<void> {
  const git = getTool('git');
  const config = ['-c', 'init.defaultBranch=main'];
  if (existsSync(shop)) {
    const origin = await runChild(git, ['-C', shop, 'remote', 'get-url', 'origin']).catch(() => '');
    if (origin.trim() === repository.url) return;
    await rm(shop, { recursive: true, force: true });
  }
  await runChild(git, [...config, 'clone', '--quiet', repository.url, shop]);
  await runChild(git, ['-C', shop, 'remote', 'set-url', '--push', 'origin', repository.dir]);
  await runChild(git, ['-C', shop, 'config', 'user.name', 'You']);
  await runChild(git, ['-C', shop, 'config', 'user.email', 'you@example.com']);
}

function formatFooter({
  platform,
  dir,
  traces,
}: {
  platform: Platform;
  dir: string;
  traces: string | undefined;
}): string[] {
  const here = (path: string) => relative(process.cwd(), path) || '.';
  const tree = here(shop);
  return [
    `API          ${platform.hubs[0]?.url}  (CA ${here(platform.caFile)})`,
    `admin token  ${here(platform.adminTokenFile)}`,
    `logs         ${here(dir)}/*.log`,
    ...(traces ? [`traces       ${traces}`] : []),
    '',
    'Try, in another terminal:',
    '  1. commit a change, and watch it roll out',
    `     sed -i 's/replicas: 2/replicas: 4/' ${tree}/services/checkout/manifests.yaml && git -C ${tree} commit -qam 'Scale checkout' && git -C ${tree} push -q`,
    '  2. break something by hand, and watch it heal',
    '     npm run demo -- break us-east',
    '  3. relabel a cluster, and watch the shop open in Europe',
    '     npm run wheelhouse -- cluster label eu-central environment=production',
    '',
    'Ctrl-C ends everything; npm start goes on from here; npm start -- --reset forgets it.',
  ];
}

/** Redraws while a terminal watches; else prints each change of the last line, and the table once it is settled. */
async function follow(
  platform: Platform,
  options: { footer: string[]; once: boolean; started: number },
): Promise<void> {
  const live = process.stdout.isTTY;
  let last = '';
  let settled = false;
  do {
    const state = await readFleet(platform.api).catch(() => undefined);
    if (!state || stop.signal.aborted) continue;
    const lines = formatFleet(state, { color: live });
    if (!settled && isSettled(state)) {
      settled = true;
      options.footer.unshift(
        `all Healthy ${((performance.now() - options.started) / 1000).toFixed(1)} s after the start`,
        '',
      );
      if (!live) process.stdout.write(`${[...lines, '', ...options.footer].join('\n')}\n`);
      if (options.once) return;
    }
    const text = live ? `\u001B[2J\u001B[H${[...lines, '', ...options.footer].join('\n')}\n` : `${lines.at(-1)}\n`;
    if (text !== last) process.stdout.write(text);
    last = text;
  } while (await sleep(500, stop.signal));
  process.stdout.write('\nstopping\n');
}

try {
  await main();
} catch (error) {
  if (!stop.signal.aborted) {
    process.stderr.write(`start: ${toFleetError(error).message}\n`);
    process.exitCode = 1;
  }
}
process.exit();
