import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

it('says what it can run', () => {
  const { status, stderr } = spawnSync('node', [join(root, 'scripts/run.mjs'), 'fly'], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^wheelhouse: say what to run: setup, doctor, check/);
});

it('is behind every script of the root package, in the place of the shell, which would not outlive Ctrl-C', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const { stderr } = spawnSync('node', [join(root, 'scripts/run.mjs')], { encoding: 'utf8' });
  const known = stderr.trim().replace(/^.*: /, '').split(', ').sort();
  expect(Object.keys(scripts).sort()).toEqual(known);
  for (const [name, script] of Object.entries(scripts)) expect(script).toBe(`exec node scripts/run.mjs ${name}`);
});

it('hands arguments and the exit code through', () => {
  const args = [join(root, 'scripts/run.mjs'), 'setup', 'no-such-profile'];
  const { status, stderr } = spawnSync('node', args, { encoding: 'utf8', cwd: '/' });
  expect(stderr).toContain(
    'setup: no-such-profile is not a profile; known: start, kubernetes, jaeger, containers, gitea',
  );
  expect(status).toBe(1);
});
