// deploy/compose as its README says, but for images that no registry has to give: a hub, NATS, Redis and Jaeger, a spoke in a
// container beside them, an Application from a commit to Healthy with its trace, a restart, and an end that leaves nothing.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBaseImage } from '../support/base-image.ts';
import { runChild } from '../support/child.ts';
import { type CommandLine, createCommandLine } from '../support/command-line.ts';
import { importImage, whyNoContainers } from '../support/containers.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { startGitServer } from '../support/git-server.ts';
import { type TempDir, tempDir } from '../support/temp-dir.ts';
import { findTool, getTool } from '../support/tools.ts';

const root = join(import.meta.dirname, '../..');
const prefix = 'wheelhouse-compose-test';
const base = `${prefix}/base:local`;
const spokeImage = `${prefix}/spoke-agent:local`;
const minutes = 60_000;
const reason =
  (await whyNoContainers()) ?? (findTool('docker-compose') ? undefined : 'docker-compose is not installed');

/** What an official image runs, made of this machine's program. */
async function importServer(name: string, options: { entrypoint?: boolean; env?: string[] } = {}): Promise<string> {
  const path = `/usr/local/bin/${name}`;
  const image = `${prefix}/${name}:local`;
  await runChild('docker', ['image', 'rm', '--force', image]);
  const changes = [
    ...(options.entrypoint === false ? [] : [`ENTRYPOINT ${JSON.stringify([path])}`]),
    ...(options.env ?? []).map((variable) => `ENV ${variable}`),
  ];
  await importImage(image, { files: { [path]: getTool(name) }, changes });
  return image;
}

describe.skipIf(reason)(`deploy/compose (${reason ?? 'built and started'})`, () => {
  let dir: TempDir;
  let env: NodeJS.ProcessEnv;
  let cli: CommandLine;
  const stack = new AsyncDisposableStack();

  /** `docker compose -f deploy/compose/compose.yaml …`, for a project of this test's own. */
  async function compose(...args: string[]): Promise<string> {
    const files = ['--file', join(root, 'deploy/compose/compose.yaml'), '--file', join(dir.path, 'images.json')];
    return await runChild(getTool('docker-compose'), ['--project-name', prefix, ...files, ...args], {
      cwd: root,
      env,
      timeoutMs: 10 * minutes,
    });
  }

  beforeAll(async () => {
    dir = stack.use(await tempDir({ prefix: 'wheelhouse-compose-' }));
    const build = { args: { BASE: base, TOOLS: base }, network: 'none' };
    await createBaseImage(base);
    const services = {
      nats: { image: await importServer('nats-server') },
      redis: { image: await importServer('redis-server', { entrypoint: false, env: ['PATH=/usr/local/bin'] }) },
      jaeger: { image: await importServer('jaeger', { env: ['JAEGER_LISTEN_HOST=0.0.0.0'] }) },
      ...Object.fromEntries(['hub', 'nats-config'].map((name) => [name, { image: `${prefix}/hub:local`, build }])),
    };
    await writeFile(join(dir.path, 'images.json'), JSON.stringify({ services }));
    const ports = { API_PORT: await freePort(), NATS_PORT: await freePort(), TRACES_PORT: await freePort() };
    // the engine of Debian has no BuildKit client; the Dockerfiles need none
    env = { PATH: process.env.PATH, HOME: dir.path, DOCKER_BUILDKIT: '0' };
    Object.assign(env, Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])));
    stack.defer(async () => void (await compose('down', '--volumes', '--remove-orphans')));
    await compose('up', '--build', '--detach');
    await whenHealthy();
    const files = { 'ca.pem': '/data/authority/ca.pem', 'admin-token': '/data/admin-token' };
    for (const [file, path] of Object.entries(files))
      await writeFile(join(dir.path, file), await compose('exec', '-T', 'hub', 'cat', path), { mode: 0o600 });
    cli = createCommandLine({
      cwd: dir.path,
      env: {
        WHEELHOUSE_SERVER: `https://localhost:${env['API_PORT']}`,
        WHEELHOUSE_CA_FILE: 'ca.pem',
        WHEELHOUSE_TOKEN_FILE: 'admin-token',
      },
    });
  }, 15 * minutes);
  afterAll(async () => await stack.disposeAsync(), 2 * minutes);

  async function whenHealthy(): Promise<void> {
    await eventually(async () => expect(await compose('ps', 'hub')).toContain('(healthy)'), {
      timeoutMs: 2 * minutes,
      intervalMs: 500,
    });
  }

  async function readState(): Promise<string> {
    const { state, lastSeenAt } = await cli.json<{ state: string; lastSeenAt?: string }>('cluster', 'get', 'us-east');
    return lastSeenAt === undefined ? `${state}, never seen` : state;
  }

  it(
    'a spoke in a container joins by its token',
    async () => {
      const token = (await cli.succeed('cluster', 'token', 'us-east', '--label', 'region=us')).trim();
      const file = join(root, 'deploy/docker/spoke-agent.Dockerfile');
      const args = [
        'build',
        '--file',
        file,
        '--tag',
        spokeImage,
        '--network',
        'none',
        '--build-arg',
        `BASE=${base}`,
        root,
      ];
      await runChild('docker', args, { env, timeoutMs: 5 * minutes });
      const name = `${prefix}-us-east`;
      const options = ['--read-only', '--tmpfs', '/tmp', '--network', 'host', '--volume', `${name}:/data`];
      const variables = ['--env', `WHEELHOUSE_TOKEN=${token}`, '--env', 'WHEELHOUSE_SIMULATE=true'];
      stack.defer(async () => void (await runChild('docker', ['volume', 'rm', name])));
      stack.defer(async () => void (await runChild('docker', ['rm', '--force', name])));
      await runChild('docker', ['run', '--detach', '--name', name, ...options, ...variables, spokeImage]);
      await eventually(async () => expect(await readState()).toBe('Connected'), {
        timeoutMs: minutes,
        intervalMs: 500,
      });
    },
    6 * minutes,
  );

  it(
    'an Application from Git goes Healthy, and Jaeger has the trace of the commit',
    async () => {
      const format = '{{(index .IPAM.Config 0).Gateway}}';
      const gateway = await runChild('docker', ['network', 'inspect', `${prefix}_default`, '--format', format]);
      const git = stack.use(await startGitServer({ host: gateway.trim() }));
      const repository = await git.createRepository('web', {
        'web/config.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {version: one}\n',
      });
      await mkdir(join(dir.path, 'apps'));
      await writeFile(join(dir.path, 'apps/web.yaml'), application(repository.url));
      await cli.succeed('apply', '-f', 'apps');
      expect(await cli.succeed('app', 'wait', 'web', '--timeout', '60s')).toBe('application web: Synced, Healthy\n');
      await eventually(
        async () => {
          const query = `http://127.0.0.1:${env['TRACES_PORT']}/api/traces?service=hub&operation=cluster.assign`;
          const { data } = (await (await fetch(query)).json()) as { data: object[] | null };
          expect(data?.length).toBeGreaterThan(0);
        },
        { timeoutMs: minutes, intervalMs: 500 },
      );
    },
    3 * minutes,
  );

  it(
    'goes on after it was taken down and brought up again',
    async () => {
      await compose('down');
      await compose('up', '--detach');
      await whenHealthy();
      await eventually(async () => expect(await readState()).toBe('Connected'), {
        timeoutMs: minutes,
        intervalMs: 500,
      });
      // the Git server has gone with the network: what runs is known, what should run is not
      const page = await cli.succeed('app', 'get', 'web');
      expect(page).toMatch(/^Health: +Healthy$/m);
      expect(page).toMatch(/^ +ComparisonError: repository .* cannot be reached/m);
    },
    5 * minutes,
  );

  it('leaves nothing behind when it is taken down with its volumes', async () => {
    await compose('down', '--volumes');
    const filter = ['--quiet', '--filter', `label=com.docker.compose.project=${prefix}`];
    expect(await runChild('docker', ['ps', '--all', ...filter])).toBe('');
    expect(await runChild('docker', ['volume', 'ls', ...filter])).toBe('');
  }, 60_000);
});

it('names the images and ports that its page names', async () => {
  const page = await readFile(join(root, 'deploy/compose/README.md'), 'utf8');
  const file = await readFile(join(root, 'deploy/compose/compose.yaml'), 'utf8');
  for (const port of ['API_PORT:-8443', 'NATS_PORT:-4222', 'TRACES_PORT:-16686']) expect(file).toContain(`\${${port}}`);
  for (const port of ['API_PORT', 'NATS_PORT', 'TRACES_PORT', 'PUBLIC_HOST']) expect(page).toContain(port);
});

function application(repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec:
  project: default
  source: {repoURL: '${repoURL}', targetRevision: HEAD, path: web}
  destination: {name: us-east, namespace: web}
  syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [CreateNamespace=true]}
`;
}
