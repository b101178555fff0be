import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from './free-port.ts';

const module = JSON.stringify(join(import.meta.dirname, 'free-port.ts'));

/** What another process is given, which tries this port first, and is killed. */
function givenToAnother(port: number): number {
  const script = `const crypto = (await import('node:crypto')).default;
    const [numbers, randomInt] = [[${port}], crypto.randomInt];
    crypto.randomInt = (...args) => numbers.shift() ?? randomInt(...args);
    (await import('node:module')).syncBuiltinESMExports();
    require('node:fs').writeSync(1, String(await (await import(${module})).freePort()));
    process.kill(process.pid, 'SIGKILL');`;
  const text = `const require = (await import('node:module')).createRequire('/'); ${script}`;
  return Number(spawnSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8' }).stdout);
}

it('nobody else is given a port before its server listens', async () => {
  const mine = await freePort();
  const others = givenToAnother(mine);
  expect(others).toBeGreaterThan(0);
  expect(others).not.toBe(mine);
});

it('a port of a process that was killed is given again', async () => {
  const port = givenToAnother(await freePort());
  expect(givenToAnother(port)).toBe(port);
});
