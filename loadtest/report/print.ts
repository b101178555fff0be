import { cpus, release, totalmem } from 'node:os';
import type { Spent } from './processes.ts';

export interface Row {
  step: string;
  [column: string]: string | number;
}

export interface Report {
  scenario: string;
  options: Record<string, unknown>;
  rows: Row[];
}

export function spentRow(step: string, spent: Spent, more: Record<string, string | number> = {}): Row {
  const cpu = Object.entries(spent.cpuSeconds).map(([name, seconds]) => [`cpu ${name}`, seconds]);
  const rss = Object.entries(spent.rssMb).map(([name, mb]) => [`MB ${name}`, mb]);
  return { step, 'wall s': spent.wallSeconds, ...more, ...Object.fromEntries(cpu), ...Object.fromEntries(rss) };
}

/** Prints a table, or with `json` one object; both name the machine and the time. */
export function printReport(report: Report, json: boolean): void {
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model ?? '',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    at: new Date().toISOString(),
  };
  if (json) return void process.stdout.write(`${JSON.stringify({ ...report, machine })}\n`);
  process.stdout.write(
    `\n${report.scenario} ${JSON.stringify(report.options)}\n${machine.cpus} × ${machine.model}, ${machine.memoryGb} GB, Node ${machine.node}, ${machine.at}\n\n`,
  );
  for (const { step, ...columns } of report.rows) {
    process.stdout.write(`  ${step}\n`);
    for (const group of groupColumns(columns)) process.stdout.write(`    ${group}\n`);
  }
}

/** One line for each kind of column: figures, CPU seconds, memory. */
function groupColumns(columns: Record<string, string | number>): string[] {
  const entries = Object.entries(columns);
  const of = (prefix: string) =>
    entries.filter(([name]) => name.startsWith(prefix)).map(([name, value]) => `${name.slice(prefix.length)} ${value}`);
  const plain = entries.filter(([name]) => !/^(cpu|MB) /.test(name)).map(([name, value]) => `${name} ${value}`);
  const lines = [plain.join('   ')];
  if (of('cpu ').length > 0) lines.push(`CPU seconds: ${of('cpu ').join('   ')}`);
  if (of('MB ').length > 0) lines.push(`memory MB: ${of('MB ').join('   ')}`);
  return lines;
}

/** p50, p95 and maximum of times in ms. */
export function percentiles(times: readonly number[]): {
  n: number;
  'p50 ms': number;
  'p95 ms': number;
  'max ms': number;
} {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { n: sorted.length, 'p50 ms': at(0.5), 'p95 ms': at(0.95), 'max ms': Math.round(sorted.at(-1) ?? 0) };
}
