// The one way in: `node scripts/run.mjs COMMAND …`, also as `npm run COMMAND` and `pnpm COMMAND`.
// Plain JavaScript for Node 20 with nothing installed. Brings pnpm (into the user's cache, checked by lock file) and the
// packages, has scripts/setup.ts bring the tools that the command needs, then hands over to TypeScript on Node 24.
// Must never install anything outside the user's cache and node_modules.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import process, { argv, cwd, env, exit, stderr, stdin, versions } from 'node:process';

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');

/** What each command runs, and which tools it needs first (profiles of scripts/setup.ts). */
const commands = {
  setup: { entry: 'scripts/setup.ts', needs: () => [] },
  doctor: { entry: 'scripts/doctor.ts', needs: () => [] },
  check: { entry: 'scripts/check.ts', needs: () => [] },
  start: { entry: 'scripts/start.ts', needs: startNeeds },
  demo: { entry: 'scripts/demo.ts', needs: () => [] },
  test: { entry: 'scripts/test.ts', needs: testNeeds },
  conformance: { entry: 'test/conformance/run.ts', needs: () => [] },
  bench: { entry: 'loadtest/bench.ts', needs: () => ['start', 'kubernetes'] },
  loadtest: { entry: 'loadtest/loadtest.ts', needs: () => ['start'] },
  wheelhouse: { entry: 'cli/src/main.ts', needs: () => [] },
};

function startNeeds(args) {
  if (args.includes('--help')) return [];
  return ['start', ...['kubernetes', 'jaeger'].filter((profile) => args.includes(`--${profile}`))];
}

function testNeeds() {
  return ['start', 'kubernetes', 'jaeger', ...(env.WHEELHOUSE_TEST_CONTAINERS === '1' ? ['containers'] : [])];
}

async function main() {
  const [name, ...args] = argv.slice(2);
  const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
  if (!command) fail(`say what to run: ${Object.keys(commands).join(', ')}`);
  if (Number.parseInt(versions.node, 10) < 20) fail(`Node ${versions.node} is too old: install Node 20 or newer`);
  const pnpm = findPnpm() ?? installPnpm();
  installPackages(pnpm);
  const node = join(root, 'node_modules/node/bin/node');
  const environment = { ...env, PATH: searchPath(pnpm) };
  const needs = command.needs(args);
  if (needs.length > 0) {
    const code = await run(node, [join(root, 'scripts/setup.ts'), ...needs], environment);
    if (code !== 0) exit(code);
  }
  exit(await run(node, [join(root, command.entry), ...args], environment));
}

function toolCache() {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'wheelhouse/tools');
}

function pnpmFolder() {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'scripts/pnpm/package.json'), 'utf8'));
  return join(toolCache(), `pnpm-${dependencies.pnpm}`);
}

function findPnpm() {
  const path = join(pnpmFolder(), 'node_modules/.bin/pnpm');
  return existsSync(path) ? path : undefined;
}

/** Installs beside its place and moves it there whole, so that two at once do no harm. npm checks the lock file's hashes. */
function installPnpm() {
  const folder = pnpmFolder();
  log(`installing ${folder}`);
  mkdirSync(toolCache(), { recursive: true });
  const temporary = mkdtempSync(join(toolCache(), '.pnpm-'));
  try {
    for (const file of ['package.json', 'package-lock.json'])
      copyFileSync(join(root, 'scripts/pnpm', file), join(temporary, file));
    const args = ['install', '--prefix', temporary, '--no-audit', '--no-fund', '--loglevel=error'];
    const npm = spawnSync('npm', args, { cwd: temporary, stdio: ['ignore', 2, 2] });
    if (npm.error) fail(`npm cannot be run (${npm.error.message}): install Node 20 or newer together with npm`);
    if (npm.status !== 0)
      fail('npm could not install pnpm (see above); this needs the npm registry, and Linux with glibc on x64 or arm64');
    if (!findPnpm()) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(temporary, folder);
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return findPnpm();
}

const installLock = join(root, '.wheelhouse/install.lock');

/** One installation at a time in a checkout: false after another one, which may have done the work, has ended. */
function claimInstall() {
  mkdirSync(join(root, '.wheelhouse'), { recursive: true });
  try {
    writeFileSync(installLock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const isHeld = () =>
    existsSync(installLock) && existsSync(join('/proc', readFileSync(installLock, 'utf8') || 'self'));
  while (isHeld()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  rmSync(installLock, { force: true });
  return false;
}

/** Runs pnpm when the lock file is not the one that node_modules was made from. */
function installPackages(pnpm) {
  const stamp = join(root, 'node_modules/.wheelhouse-lock');
  const digest = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  if (!claimInstall()) return installPackages(pnpm);
  log('installing packages (half a minute the first time)');
  const options = { cwd: root, stdio: ['ignore', 2, 2], env: { ...env, CI: 'true' } };
  const { status } = spawnSync(
    pnpm,
    ['install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=error'],
    options,
  );
  rmSync(installLock, { force: true });
  if (status !== 0)
    fail(
      'pnpm could not install the packages (see above); this needs the npm registry, or a mirror that npm_config_registry names',
    );
  writeFileSync(stamp, digest);
}

/** Node 24, the workspace's programs, pnpm and the built tools first, then the user's own. */
function searchPath(pnpm) {
  const tools = JSON.parse(readFileSync(join(root, 'test/support/tools.json'), 'utf8'));
  const built = Object.entries(tools).map(([name, { version }]) => join(toolCache(), `${name}-${version}`, 'bin'));
  const own = [join(root, 'node_modules/node/bin'), join(root, 'node_modules/.bin'), join(pnpm, '..')];
  return [...own, ...built, env.PATH].join(delimiter);
}

/** Runs a program to its end with this terminal and passes signals on; returns its exit code as a shell would. */
async function run(program, args, environment) {
  // npm changes to the root; paths in arguments are meant from where the person is
  const from = env.npm_lifecycle_event === argv[2] ? env.INIT_CWD : undefined;
  const child = spawn(program, args, { stdio: 'inherit', env: environment, cwd: from ?? cwd() });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])
    process.on(signal, () => {
      // a terminal sends Ctrl-C to the child itself
      if (signal !== 'SIGINT' || !stdin.isTTY) child.kill(signal);
    });
  return await new Promise((resolve) => {
    child.on('error', (error) => fail(`${program}: ${error.message}`));
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

function log(message) {
  stderr.write(`wheelhouse: ${message}\n`);
}

function fail(message) {
  log(message);
  exit(1);
}

await main();
