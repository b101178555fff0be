// `npm start`: a hub with NATS and Redis, three clusters and a Git server, each a process of its own, and a live table.
// State lives in .wheelhouse; Ctrl-C ends everything; --reset forgets it, --kubernetes takes real API servers, --jaeger traces.
import { existsSync } from 'node:fs';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { runChild } from '@wheelhouse/test/support/child';
import { startGitServer } from '@wheelhouse/test/support/git-server';
import { startJaeger } from '@wheelhouse/test/support/jaeger';
import { type Platform, startPlatform } from '@wheelhouse/test/support/platform';
import { getTool } from '@wheelhouse/test/support/tools';
import { startDemoClusters } from './demo/clusters.ts';
import { follow } from './demo/follow.ts';
import { formatFooter } from './demo/footer.ts';
import { claimDemo, type DemoPorts, demoRoot, prepareLayout, tracesFile } from './demo/layout.ts';
import { demoApplicationSet, demoFiles } from './demo/repository.ts';
import { readFleet } from './demo/table.ts';

const help = `npm start [-- OPTIONS]
  --kubernetes  three real API servers instead of simulated clusters
  --jaeger      run Jaeger beside, and trace every commit
  --once        end when every Application is Healthy
  --reset       forget the demo's state, and end
`;

const say = (text: string) => process.stdout.write(text);

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
// a terminal's Ctrl-C reaches every process of the demo at once; this one outlives them to say so
process.on('SIGINT', () => undefined);
stop.signal.addEventListener('abort', () => say('\nstopping\n'));

async function main(): Promise<void> {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({ options: { kubernetes: flag, jaeger: flag, once: flag, reset: flag, help: flag } });
  if (values.help) return void say(help);
  const startedAt = Date.now();
  await using stack = new AsyncDisposableStack();
  stack.use(await claimDemo());
  if (values.reset) {
    await rm(demoRoot, { recursive: true, force: true });
    return void say('forgotten: the next npm start begins anew\n');
  }
  const { kubernetes, once } = values;
  const { dir, ports } = await prepareLayout(kubernetes);
  const { platform, traces } = await startEverything({ dir, ports, stack, ...values });
  for (const file of ['context.json', 'clusters.json']) await copyFile(join(dir, file), join(demoRoot, file));
  await writeFile(tracesFile(demoRoot), traces ?? '');
  if (!stop.signal.aborted) say(formatFooter({ platform, kubernetes, traces }));
  await follow(() => readFleet(platform.api), { output: process.stdout, once, startedAt, signal: stop.signal });
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
  const jaeger = options.jaeger
    ? stack.use(await startJaeger({ otlpPort: ports.otlp, queryPort: ports.jaeger }))
    : undefined;
  const env: Record<string, string> = jaeger ? { WHEELHOUSE_OTLP_ENDPOINT: jaeger.otlpUrl } : {};
  say('starting NATS, Redis, Git and the hub\n');
  const git = stack.use(await startGitServer({ dir: join(dir, 'git'), port: ports.git }));
  const repository = await git.createRepository('shop', demoFiles());
  await cloneShop(repository);
  const hubEnv = { ...env, WHEELHOUSE_POLL_INTERVAL: '2s' };
  const platform = stack.use(await startPlatform({ dir, hubEnv, ports }));
  say(`starting three ${kubernetes ? 'Kubernetes API servers and their agents' : 'simulated clusters'}\n`);
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

try {
  await main();
} catch (error) {
  if (!stop.signal.aborted) {
    process.stderr.write(`start: ${toFleetError(error).message}\n`);
    process.exitCode = 1;
  }
}
process.exit();
