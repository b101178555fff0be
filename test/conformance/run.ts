import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Run, runConformance } from './conformance.ts';
import { defaultFixtures } from './fixtures.ts';

const usage = 'usage: pnpm conformance [SUITE…] [--fixtures DIR] [--json]';

/** Prints the counts; the exit code is 1 when a case failed or none ran. */
async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    allowPositionals: true,
    options: { fixtures: { type: 'string', default: defaultFixtures }, json: { type: 'boolean', default: false } },
  });
  const run = await runConformance(resolve(values.fixtures), positionals);
  process.stdout.write(values.json ? formatJson(run) : formatText(run));
  const ran = run.results.some(({ passed }) => passed > 0);
  return ran && run.results.every(({ failed }) => failed === 0) ? 0 : 1;
}

function formatJson({ results }: Run): string {
  return `${JSON.stringify({ suites: results.map(({ outcomes: _, ...result }) => result) })}\n`;
}

function formatText({ results, notRun }: Run): string {
  const lines = results.flatMap(({ suite, passed, failed, deviating, outcomes }) => [
    `${suite.padEnd(28)} ${passed} passed, ${failed} failed${deviating > 0 ? `, ${deviating} deviating` : ''}`,
    ...outcomes.flatMap(({ id, failure }) => (failure === undefined ? [] : [`  failed ${id}: ${shorten(failure)}`])),
    ...countReasons(outcomes.map(({ notBuilt }) => notBuilt)).map(
      ([reason, count]) => `  not run ${count}, because what they judge is not built yet: ${reason}`,
    ),
  ]);
  if (results.length === 0) lines.push('nothing ran');
  if (notRun.length > 0) lines.push('', `not run, because what they judge is not built yet: ${notRun.join(', ')}`);
  return `${lines.join('\n')}\n`;
}

function countReasons(reasons: (string | undefined)[]): [reason: string, count: number][] {
  const counts = new Map<string, number>();
  for (const reason of reasons) if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts];
}

function shorten(text: string): string {
  return text.length > 300 ? `${text.slice(0, 299)}…` : text;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
  process.exitCode = 1;
}
