import type { Platform } from '@wheelhouse/test/support/platform';

interface ListedApplication {
  metadata: { name: string };
  status?: { sync?: { status?: string; revision?: string }; health?: { status?: string } };
  fleet?: { cluster?: string; stale?: boolean };
}

interface ListedCluster {
  name: string;
  state: string;
  labels: Record<string, string>;
}

export interface FleetState {
  clusters: ListedCluster[];
  applications: ListedApplication[];
}

export async function readFleet(api: Platform['api']): Promise<FleetState> {
  const [clusters, applications] = await Promise.all([
    api<{ items: ListedCluster[] }>('GET', '/api/v1/fleet/clusters'),
    api<{ items: ListedApplication[] | null }>('GET', '/api/v1/applications?limit=500'),
  ]);
  return { clusters: clusters.items, applications: applications.items ?? [] };
}

/** Everything that is assigned is Synced and Healthy, and there is something. */
export function isSettled({ applications }: FleetState): boolean {
  return (
    applications.length > 0 && applications.every((app) => healthOf(app) === 'Healthy' && syncOf(app) === 'Synced')
  );
}

const colors: Record<string, number> = {
  Healthy: 32,
  Synced: 32,
  Connected: 32,
  Progressing: 36,
  OutOfSync: 33,
  Missing: 33,
  Stale: 33,
  Expected: 36,
  Degraded: 31,
  Lost: 31,
};

/** The live table: clusters first, then Applications by service and cluster. */
export function formatFleet({ clusters, applications }: FleetState, options: { color: boolean }): string[] {
  const paint = (text: string) => (options.color && colors[text] ? `\u001B[${colors[text]}m${text}\u001B[0m` : text);
  const healthy = applications.filter((app) => healthOf(app) === 'Healthy').length;
  return [
    ...formatTable(
      ['CLUSTER', 'STATE', 'LABELS', 'APPS'],
      clusters.map((cluster) => [
        cluster.name,
        cluster.state,
        formatLabels(cluster.labels),
        String(applications.filter((app) => app.fleet?.cluster === cluster.name).length),
      ]),
      paint,
    ),
    '',
    ...formatTable(
      ['APPLICATION', 'CLUSTER', 'SYNC', 'HEALTH', 'REVISION'],
      applications.map((app) => [
        app.metadata.name,
        app.fleet?.cluster ?? '',
        syncOf(app),
        healthOf(app),
        (app.status?.sync?.revision ?? '').slice(0, 7),
      ]),
      paint,
    ),
    '',
    `${healthy} of ${applications.length} Applications Healthy`,
  ];
}

function syncOf(app: ListedApplication): string {
  return app.status?.sync?.status ?? 'Unknown';
}

function healthOf(app: ListedApplication): string {
  return app.fleet?.stale ? 'Stale' : (app.status?.health?.status ?? 'Unknown');
}

function formatLabels(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

function formatTable(head: string[], rows: string[][], paint: (text: string) => string): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]) =>
    cells.map((cell, column) => paint(cell) + ' '.repeat((widths[column] ?? 0) - cell.length)).join('  ');
  return [line(head), ...rows.map(line)].map((text) => `  ${text.trimEnd()}`);
}
