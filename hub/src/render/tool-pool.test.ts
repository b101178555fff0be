import { createLogger } from '@wheelhouse/shared/logging/logger';
import { afterAll, expect, it } from 'vitest';
import { createToolPool, type ToolRun } from './tool-pool.ts';

const logger = createLogger({ name: 'test', level: 'silent' });
const signal = new AbortController().signal;
const options = { concurrency: 2, timeoutMs: 60_000, memoryBytes: 512 * 1024 ** 2, outputBytes: 1024 ** 2 };
const pool = createToolPool({ logger }, options);
afterAll(async () => await pool[Symbol.asyncDispose]());
const run: ToolRun = {
  command: '/bin/echo',
  args: ['done'],
  cwd: '/',
  home: '/tmp',
  root: '/tmp/x',
  what: 'tool of a/b',
};

it('gives what a tool wrote', async () => {
  await expect(pool.run(run, signal)).resolves.toBe('done\n');
});

it('says which program is missing', async () => {
  await expect(pool.run({ ...run, command: '/nonexistent/tool' }, signal)).rejects.toMatchObject({
    code: 'ToolMissing',
    message: expect.stringMatching(/^\/nonexistent\/tool cannot be run: install it/u),
  });
});

it('says why a tool cannot be started', async () => {
  await expect(pool.run({ ...run, args: ['x'.repeat(1024 ** 2)] }, signal)).rejects.toMatchObject({
    code: 'RenderFailed',
    message: expect.stringMatching(/^tool of a\/b could not be started: .*E2BIG/u),
  });
});

it('runs nothing once it is disposed of', async () => {
  const stopped = createToolPool({ logger }, options);
  await stopped.run(run, signal);
  await stopped[Symbol.asyncDispose]();
  await expect(stopped.run(run, signal)).rejects.toMatchObject({ code: 'Aborted' });
});
