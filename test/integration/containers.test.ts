import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBaseImage } from '../support/base-image.ts';
import { runChild } from '../support/child.ts';
import { whyNoContainers } from '../support/containers.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { startNats } from '../support/nats.ts';
import { startRedis } from '../support/redis.ts';
import { tempDir } from '../support/temp-dir.ts';
import { tools } from '../support/tools.ts';

const root = join(import.meta.dirname, '../..');
const base = 'wheelhouse-test/base:local';
const images = { hub: 'wheelhouse-test/hub:local', 'spoke-agent': 'wheelhouse-test/spoke-agent:local' };
const reason = await whyNoContainers();

it('names the pinned versions of its tools', async () => {
  const dockerfile = await readFile(join(root, 'deploy/docker/hub.Dockerfile'), 'utf8');
  expect(dockerfile).toContain(`ARG KUSTOMIZE=${tools.kustomize.version}\n`);
  expect(dockerfile).toContain(`ARG HELM=${tools.helm.version}\n`);
});

async function build(name: keyof typeof images): Promise<void> {
  const file = join(root, `deploy/docker/${name}.Dockerfile`);
  const bases = ['BASE', ...(name === 'hub' ? ['TOOLS'] : [])].flatMap((arg) => ['--build-arg', `${arg}=${base}`]);
  // the engine of Debian has no BuildKit client; the Dockerfiles need none
  const env = { ...process.env, DOCKER_BUILDKIT: '0' };
  const args = ['build', '--file', file, '--tag', images[name], '--network', 'none', ...bases, root];
  await runChild('docker', args, { env, timeoutMs: 300_000 });
}

/** As it is to be run in production: read-only, without capabilities, as the image's own user. */
class HardenedContainer extends GenericContainer {
  constructor(image: string) {
    super(image);
    this.hostConfig.ReadonlyRootfs = true;
    this.withNetworkMode('host').withTmpFs({ '/tmp': 'rw' }).withDroppedCapabilities('ALL').withAutoRemove(false);
  }
}

async function runToEnd(container: GenericContainer): Promise<string> {
  const started = await container.withWaitStrategy(Wait.forOneShotStartup()).start().catch(String);
  if (typeof started === 'string') return started;
  await started.stop({ remove: true });
  return '';
}

describe.skipIf(reason)(`images (${reason ?? 'built and started'})`, () => {
  let stack: AsyncDisposableStack;
  beforeAll(async () => {
    process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
    stack = new AsyncDisposableStack();
    await createBaseImage(base);
    await build('hub');
    await build('spoke-agent');
  }, 600_000);
  afterAll(() => stack.disposeAsync());

  async function start(container: GenericContainer): Promise<StartedTestContainer> {
    const log: string[] = [];
    container.withLogConsumer((stream) => stream.on('data', (line: Buffer) => log.push(line.toString())));
    const started = await container
      .withStartupTimeout(120_000)
      .start()
      .catch((cause: unknown) => {
        throw new Error(`did not become healthy: ${log.join('').slice(-3_000)}`, { cause });
      });
    stack.defer(async () => void (await started.stop({ timeout: 10_000, remove: true })));
    return started;
  }

  it.each(Object.values(images))('%s is run by a user without rights', async (image) => {
    const { Config } = await (await getContainerRuntimeClient()).container.dockerode.getImage(image).inspect();
    expect(Config.User).toBe('10001:10001');
    expect(Config.Healthcheck?.Test?.[0]).toBe('CMD');
  });

  it('a hub and a spoke come up healthy on a read-only root', async () => {
    const dir = stack.use(await tempDir({ prefix: 'wheelhouse-images-' })).path;
    const data = join(dir, 'data');
    const natsDir = join(dir, 'nats');
    for (const path of [dir, data, natsDir]) {
      await mkdir(path, { recursive: true });
      await chmod(path, 0o777);
    }
    const [port, natsPort] = [await freePort(), await freePort()];
    const redis = stack.use(await startRedis());
    const hubContainer = () =>
      new HardenedContainer(images.hub)
        .withBindMounts([
          { source: data, target: '/data' },
          { source: natsDir, target: natsDir },
        ])
        .withEnvironment({
          WHEELHOUSE_LISTEN: `127.0.0.1:${port}`,
          WHEELHOUSE_NATS_URL: `tls://127.0.0.1:${natsPort}`,
          WHEELHOUSE_REDIS_URL: redis.url,
        });
    const writeConfig = ['node', 'hub/src/write-nats-config.ts', natsDir, `127.0.0.1:${natsPort}`];
    expect(await runToEnd(hubContainer().withCommand(writeConfig))).toBe('');
    const configText = await readFile(join(natsDir, 'nats.conf'), 'utf8');
    stack.use(await startNats({ dir: natsDir, port: natsPort, configText }));
    const hub = await start(hubContainer().withWaitStrategy(Wait.forHealthCheck()));
    expect((await hub.exec(['id', '-u'])).output.trim()).toBe('10001');
    expect((await hub.exec(['touch', '/app/x'])).exitCode).toBe(1);

    const dispatcher = new Agent({ connect: { ca: await readFile(join(data, 'authority/ca.pem'), 'utf8') } });
    stack.defer(() => dispatcher.destroy());
    const authorization = `Bearer ${(await readFile(join(data, 'admin-token'), 'utf8')).trim()}`;
    const call = async (method: string, path: string, body?: object) => {
      const headers = { authorization, 'content-type': 'application/json' };
      const init = { method, dispatcher, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
      return (await (await fetch(`https://127.0.0.1:${port}${path}`, init)).json()) as Record<string, unknown>;
    };
    const { token } = await call('POST', '/api/v1/fleet/tokens', { cluster: 'us-east', labels: {} });
    const agent = new HardenedContainer(images['spoke-agent'])
      .withEnvironment({ WHEELHOUSE_TOKEN: String(token), WHEELHOUSE_SIMULATE: 'true' })
      .withWaitStrategy(Wait.forHealthCheck());
    await start(agent);
    const connected = expect.objectContaining({ state: 'Connected' });
    await eventually(async () => expect(await call('GET', '/api/v1/fleet/clusters/us-east')).toEqual(connected));
  }, 300_000);

  it('says what is wrong with its settings, and ends', async () => {
    const container = new HardenedContainer(images['spoke-agent']).withEnvironment({ WHEELHOUSE_TOKN: 'x' });
    const log: string[] = [];
    container.withLogConsumer((stream) => stream.on('data', (line: Buffer) => log.push(line.toString())));
    expect(await runToEnd(container)).not.toBe('');
    await eventually(() => expect(log.join('')).toContain('WHEELHOUSE_TOKN is not a setting of this process'));
  });
});
