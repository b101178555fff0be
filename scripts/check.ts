// `npm run check`: types, lint, format and dead code, all of them even when one fails, and one summary.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

const checks: readonly (readonly [command: string, ...args: string[]])[] = [
  ['tsc', '-b', '--pretty', 'false'],
  ['oxlint', '--deny-warnings'],
  ['biome', 'check', '--max-diagnostics=50'],
  ['knip', '--no-progress'],
];

async function run([command, ...args]: readonly [string, ...string[]]): Promise<{ line: string; passed: boolean }> {
  const startedAt = performance.now();
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  const passed = code === 0;
  if (!passed) process.stdout.write(`\n${command} ${args.join(' ')}\n${output}\n`);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  return { line: `${passed ? 'ok    ' : 'FAILED'}  ${command.padEnd(6)}  ${seconds} s`, passed };
}

const results = [];
for (const check of checks) results.push(await run(check));
const passed = results.filter((result) => result.passed).length;
const lines = [...results.map((result) => result.line), `checks: ${passed} passed, ${checks.length - passed} failed`];
process.stdout.write(`${lines.join('\n')}\n`);
process.exitCode = passed === checks.length ? 0 : 1;
