import type { Command } from 'commander';
import { addressOf } from '../application.ts';
import { type Column, formatTable } from '../output.ts';
import type { Run } from '../session.ts';

interface Window {
  kind: string;
  schedule: string;
  duration: string;
  manualSync: boolean;
}

interface Windows {
  activeWindows: Window[];
  assignedWindows: Window[];
  canSync: boolean;
  whyNotManual?: string;
  whyNotAutomated?: string;
}

type Row = Window & { isActive: boolean };

const columns: Column<Row>[] = [
  ['KIND', ({ kind }) => kind],
  ['SCHEDULE', ({ schedule }) => schedule],
  ['DURATION', ({ duration }) => duration],
  ['NOW', ({ isActive }) => (isActive ? 'open' : 'closed')],
  ['BY HAND', ({ manualSync }) => (manualSync ? 'always' : 'as the window says')],
];

export function addWindows(app: Command, run: Run): void {
  app
    .command('windows <name>')
    .description('the sync windows of its project that apply to it, and whether it may be synced now')
    .action(
      run<[string]>(async ({ client, print }, [name]) => {
        const { path, query } = addressOf(name);
        const found = await client.request<Windows>(`${path}/syncwindows`, { query });
        print(found, () => formatWindows(found));
      }),
    );
}

function formatWindows({ assignedWindows, activeWindows, whyNotManual, whyNotAutomated }: Windows): string {
  const keys = new Set(activeWindows.map((window) => JSON.stringify(window)));
  const rows = assignedWindows.map((window) => ({ ...window, isActive: keys.has(JSON.stringify(window)) }));
  const verdict = (what: string, why: string | undefined) =>
    `${what}: ${why === undefined ? 'may be synced now' : why}\n`;
  return [
    formatTable(rows, columns, 'no sync windows apply to it'),
    '\n',
    verdict('automated', whyNotAutomated),
    verdict('by hand', whyNotManual),
  ].join('');
}
