/** Rows of the same keys as text: a header, then columns two blanks apart. */
export function formatTable<T extends { [K in keyof T]: string }>(rows: readonly T[]): string {
  const [first] = rows;
  if (!first) return '';
  const columns = Object.keys(first) as (keyof T & string)[];
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  return [
    line(columns.map((column) => column.toUpperCase())),
    ...rows.map((row) => line(columns.map((column) => row[column]))),
  ].join('\n');
}
