// Servers of tests as containers, started by Testcontainers from images that are made here, without a registry.
// Inputs: WHEELHOUSE_TEST_CONTAINERS=1, a container engine, programs of this machine. Containers share the host's network
// and its temporary directory, so that ports, paths and configuration are those of a local process.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GenericContainer, getContainerRuntimeClient } from 'testcontainers';
import { endsProcesses, runChild, type Server } from './child.ts';
import { portOpen } from './free-port.ts';
import { createRootfs } from './rootfs.ts';
import { tempDir } from './temp-dir.ts';

/** Whether servers are to run in containers instead of as processes: WHEELHOUSE_TEST_CONTAINERS=1. */
export function wantsContainers(): boolean {
  return process.env.WHEELHOUSE_TEST_CONTAINERS === '1';
}

/** Why containers cannot be started, or undefined when an engine answers. */
export async function whyNoContainers(): Promise<string | undefined> {
  if (!wantsContainers()) return 'WHEELHOUSE_TEST_CONTAINERS is not 1';
  try {
    await runChild('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 10_000 });
    return undefined;
  } catch (error) {
    return `no container engine answers: ${String(error).slice(0, 200)}`;
  }
}

export interface ImageOptions {
  /** What goes where (createRootfs). */
  files: Readonly<Record<string, string>>;
  /** Instructions of a Dockerfile, such as `ENTRYPOINT ["/bin/x"]`. */
  changes?: readonly string[];
}

/** Makes an image of programs of this machine, unless one of this name is there. */
export async function importImage(name: string, options: ImageOptions): Promise<void> {
  if (
    await runChild('docker', ['image', 'inspect', name]).then(
      () => true,
      () => false,
    )
  )
    return;
  await using dir = await tempDir({ prefix: 'wheelhouse-image-' });
  const rootfs = join(dir.path, 'rootfs');
  await createRootfs(rootfs, options.files);
  const archive = join(dir.path, 'rootfs.tar');
  await runChild('tar', ['-C', rootfs, '-cf', archive, '--numeric-owner', '.'], { timeoutMs: 300_000 });
  const changes = (options.changes ?? []).flatMap((change) => ['--change', change]);
  await runChild('docker', ['import', ...changes, archive, name], { timeoutMs: 300_000 });
}

export interface ContainerOptions {
  image: string;
  args: readonly string[];
  /** A port of 127.0.0.1 to wait for. */
  ready: number;
}

/** Starts a container that can be killed and started again; what it wrote to its files and its log stays. */
export async function startContainer(options: ContainerOptions): Promise<Server> {
  // its helper image would have to be pulled; dispose removes the container
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  const container = await new GenericContainer(options.image)
    .withNetworkMode('host')
    .withUser(`${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`)
    .withBindMounts([{ source: tmpdir(), target: tmpdir() }])
    .withCommand([...options.args])
    .withAutoRemove(false)
    .start();
  const engine = (await getContainerRuntimeClient()).container.getById(container.getId());
  let { State: state } = await engine.inspect();
  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    if (!(await engine.inspect()).State.Running) return;
    await engine.kill({ signal });
    if (endsProcesses(signal)) await engine.wait();
  };
  await portOpen(options.ready);
  return {
    get pid() {
      return state.Pid;
    },
    kill,
    restart: async () => {
      await kill();
      await engine.start();
      await portOpen(options.ready);
      ({ State: state } = await engine.inspect());
    },
    [Symbol.asyncDispose]: async () => {
      await container.stop({ remove: true, removeVolumes: true, timeout: 0 });
    },
  };
}
