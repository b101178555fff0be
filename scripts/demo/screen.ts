/** Where lines go: a terminal, or a file or pipe. */
export interface Output {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

/**
 * Lines at the end of a terminal that are drawn over each time, without touching what is above them; to anything but a
 * terminal, nothing is written. What would not fit is cut: columns at the right, rows in the middle.
 */
export function createScreen(output: Output): { draw(lines: readonly string[]): void } {
  let drawn = 0;
  return {
    draw: (lines) => {
      if (!output.isTTY) return;
      const fitting = cutRows(lines, (output.rows ?? 24) - 1).map((line) => cutColumns(line, output.columns ?? 80));
      const up = drawn > 0 ? `\u001B[${drawn}A` : '';
      output.write(`${up}\r${fitting.map((line) => `${line}\u001B[K\n`).join('')}\u001B[J`);
      drawn = fitting.length;
    },
  };
}

function cutRows(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const kept = Math.max(0, rows - 3);
  return [
    ...lines.slice(0, kept),
    `  … and ${lines.length - kept - 2} more lines: make the window higher`,
    ...lines.slice(-2),
  ];
}

const escape = '\u001B[';

/** Cuts what is seen; escape sequences for colors (`ESC [ 32 m`) take no room and stay. */
function cutColumns(line: string, columns: number): string {
  let room = columns;
  const cut = (text: string) => {
    const shown = text.slice(0, Math.max(0, room));
    room -= text.length;
    return shown;
  };
  const [first = '', ...colored] = line.split(escape);
  return cut(first) + colored.map((part) => escape + part.replace(/(?<=m).*/, cut)).join('');
}
