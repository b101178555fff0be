import { formatJson } from '@wheelhouse/shared/kube/json';
import { formatYaml } from '@wheelhouse/shared/kube/yaml';

export type OutputFormat = 'table' | 'json' | 'yaml';

/** One column of a table: its heading and what a row shows there. */
export type Column<T> = [heading: string, cell: (row: T) => string | number | undefined];

/** JSON or YAML of the whole value; for `table`, what `table` makes. Ends with a line break. */
export function formatOutput(value: unknown, format: OutputFormat, table: () => string): string {
  if (format === 'json') return `${formatJson(value, 2)}\n`;
  return format === 'yaml' ? formatYaml(value) : table();
}

/** Aligned columns as kubectl prints them; `none` when there are no rows. */
export function formatTable<T>(rows: readonly T[], columns: readonly Column<T>[], none = 'nothing found'): string {
  if (rows.length === 0) return `${none}\n`;
  const cells = [
    columns.map(([heading]) => heading),
    ...rows.map((row) => columns.map(([, cell]) => String(cell(row) ?? '') || '-')),
  ];
  // no spread into Math.max: there may be more rows than a call takes arguments
  const widths = columns.map((_, column) => cells.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0));
  const format = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd();
  return `${cells.map(format).join('\n')}\n`;
}

/** `label:  value` lines; those without a value are left out. */
export function formatFields(fields: readonly [label: string, value: string | number | undefined][]): string {
  const shown = fields.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(...shown.map(([label]) => label.length)) + 1;
  return shown.map(([label, value]) => `${`${label}:`.padEnd(width)}  ${value}\n`).join('');
}

const units: [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
];

/** `14m`, `3h`, `12s`: the largest unit of which there are two, as kubectl shows ages. */
export function formatAge(ms: number): string {
  const [unit, size] = units.find(([, size]) => ms >= 2 * size) ?? ['s', 1_000];
  return `${Math.floor(Math.max(0, ms) / size)}${unit}`;
}

/** `a=b,c=d`. */
export function formatLabels(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
