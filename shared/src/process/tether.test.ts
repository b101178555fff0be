import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import { tethered } from './tether.ts';

const [setpriv] = tethered(['true']);

it.skipIf(setpriv === 'true')('ends the child when its parent is killed', async () => {
  const line = JSON.stringify(tethered(['sleep', '60']));
  const script = `const { spawn } = require('node:child_process'); const [command, ...args] = ${line};
    console.log(spawn(command, args, { detached: true, stdio: 'ignore' }).pid); setInterval(() => undefined, 1000)`;
  const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = (await once(parent.stdout, 'data')) as [Buffer];
  const child = Number(output.toString());
  // setpriv has done its work once the child is what it is to run
  await vi.waitFor(
    async () => expect(await readFile(`/proc/${child}/cmdline`, 'utf8')).toBe(['sleep', '60', ''].join('\0')),
    20_000,
  );
  parent.kill('SIGKILL');
  await vi.waitFor(() => expect(() => process.kill(child, 0)).toThrow('ESRCH'), { timeout: 20_000 });
});
