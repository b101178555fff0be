import { spawnSync } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { getTool } from '@wheelhouse/test/support/tools';
import { describe, expect, it } from 'vitest';
import { whyNotGo, whyNotInstallable } from './install.ts';

const root = join(import.meta.dirname, '..');

describe('whyNotGo', () => {
  const needed = 'building helm 4.1.4 needs Go 1.26.0 or newer';
  const wayOut = 'install it from https://go.dev/dl, or put helm 4.1.4 on PATH';
  it.each([
    ['no Go', undefined, `${needed}, found none: ${wayOut}`],
    ['an old Go', { path: '/usr/bin/go', version: '1.19.8' }, `${needed}, found 1.19.8 at /usr/bin/go: ${wayOut}`],
    ['the lowest Go that will do', { path: '/usr/bin/go', version: '1.26' }, undefined],
    ['a newer Go', { path: '/usr/bin/go', version: '1.27.1' }, undefined],
  ])('%s', (_, go, reason) => {
    expect(whyNotGo(go, 'helm 4.1.4')).toBe(reason);
  });
});

describe('whyNotInstallable', () => {
  it.each([
    ['root on Debian', { isRoot: true, hasApt: true }, undefined],
    [
      'another user on Debian',
      { isRoot: false, hasApt: true },
      "redis-server is missing: run `sudo apt-get install redis-server`, or install it with your system's package tool",
    ],
    [
      'root elsewhere',
      { isRoot: true, hasApt: false },
      "redis-server is missing: install it with your system's package tool",
    ],
  ])('%s', (_, machine, reason) => {
    expect(whyNotInstallable({ name: 'redis-server', program: 'redis-server' }, machine)).toBe(reason);
  });
});

/** Runs a script where nothing is on PATH but these programs, with an empty cache and no way to any registry. */
async function runBare(script: string, args: string[], programs: string[]) {
  await using dir = await tempDir();
  const bin = join(dir.path, 'bin');
  await mkdir(bin);
  for (const program of programs) await symlink(getTool(program), join(bin, program));
  const env = {
    PATH: bin,
    HOME: dir.path,
    XDG_CACHE_HOME: join(dir.path, 'cache'),
    GOPROXY: 'off',
    GOMODCACHE: join(dir.path, 'modules'),
    GOFLAGS: '-modcacherw',
    npm_config_registry: 'http://127.0.0.1:9',
    npm_config_fetch_retries: '0',
  };
  const { status, stderr, stdout } = spawnSync(process.execPath, [join(root, script), ...args], {
    encoding: 'utf8',
    env,
  });
  return { status, output: stdout + stderr };
}

it('without a network: setup says which programs it could not build, each with a way out', async () => {
  const { status, output } = await runBare('scripts/setup.ts', ['start'], ['git', 'redis-server', 'go']);
  expect(status).toBe(1);
  for (const program of ['nats-server', 'kustomize', 'helm', 'jsonnet'])
    expect(output).toMatch(new RegExp(`building ${program} .*: failed after`));
  expect(output.match(/setup: \S*go install failed: [^]*?\(no network\? put the program on PATH/g)).toHaveLength(4);
});

it('without a network: doctor says what is missing and what to run', async () => {
  const { status, output } = await runBare('scripts/doctor.ts', [], ['git']);
  expect(status).toBe(1);
  expect(output).toMatch(/^nats-server +>= 2\.12\.6 \(2\.15\.1\) +- +- +npm run setup -- start$/m);
  expect(output).toMatch(/^docker-compose .*- +optional, for the container tests: npm run setup -- containers$/m);
  expect(output).toMatch(/^git +>= 2\.30\.0 +\d\S+ +\S+\/bin\/git$/m);
});

it.each([
  ['without npm', [], /^wheelhouse: npm cannot be run \(.*ENOENT.*\): install Node 20 or newer together with npm$/m],
  [
    'without a network',
    ['npm', 'node'],
    /^wheelhouse: npm could not install pnpm \(see above\); this needs the npm registry/m,
  ],
])('%s: the first command of all says so', async (_, programs, message) => {
  const { status, output } = await runBare('scripts/run.mjs', ['doctor'], programs);
  expect(output).toMatch(message);
  expect(status).toBe(1);
});
