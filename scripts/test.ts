// `npm test [-- FILTER…]`: every test of every project (the tools are there: scripts/run.mjs had them set up). Arguments go to
// vitest. The last line is `N passed, N failed`, with `, N skipped` when there are any.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { countResults, formatCounts, type VitestReport } from './test-counts.ts';

const root = join(import.meta.dirname, '..');

async function runTests(args: readonly string[]): Promise<number> {
  await using dir = await tempDir();
  const file = join(dir.path, 'report.json');
  const options = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const child = spawn('vitest', [...options, ...args], { cwd: root, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  const report = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as VitestReport,
    () => undefined,
  );
  const counts = countResults(report, code === 0);
  process.stdout.write(`${formatCounts(counts)}\n`);
  return counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

process.exitCode = await runTests(process.argv.slice(2));
