// What the terminal of `npm start` shows of the fleet: clusters, Applications, and what is not happening and why.
// Inputs: the hub's API. Every state is shown with its age.
import type { ApplicationAnswer } from '@wheelhouse/cli/application';
import { formatHealth, syncOf } from '@wheelhouse/cli/application';
import { describeState } from '@wheelhouse/cli/commands/appset';
import { formatAge, formatLabels } from '@wheelhouse/cli/output';
import type { FleetCluster } from '@wheelhouse/hub/api/deps';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Platform } from '@wheelhouse/test/support/platform';

export interface FleetState {
  clusters: FleetCluster[];
  applications: ApplicationAnswer[];
  sets: ApplicationSet[];
}

export async function readFleet(api: Platform['api']): Promise<FleetState> {
  const [clusters, applications, sets] = await Promise.all([
    api<{ items: FleetCluster[] }>('GET', '/api/v1/fleet/clusters'),
    api<{ items: ApplicationAnswer[] | null }>('GET', '/api/v1/applications?limit=500'),
    api<{ items: ApplicationSet[] | null }>('GET', '/api/v1/applicationsets'),
  ]);
  return { clusters: clusters.items, applications: applications.items ?? [], sets: sets.items ?? [] };
}

/** Everything that is assigned is Synced and Healthy by news that is not older than `since` (ms since the epoch), and there is something. */
export function isSettled({ applications }: FleetState, since: number): boolean {
  const isFresh = ({ fleet }: ApplicationAnswer) => Date.parse(fleet.observedAt ?? '') >= since;
  return (
    applications.length > 0 && applications.every((app) => isFresh(app) && isHealthy(app) && syncOf(app) === 'Synced')
  );
}

function isHealthy(app: ApplicationAnswer): boolean {
  return !app.fleet.stale && app.status?.health?.status === 'Healthy';
}

const colors: Record<string, number> = {
  Healthy: 32,
  Synced: 32,
  Connected: 32,
  Progressing: 36,
  Expected: 36,
  OutOfSync: 33,
  Missing: 33,
  Stale: 33,
  Degraded: 31,
  Lost: 31,
};

/** The tables, clusters first, and in words how it stands. */
export interface FleetText {
  rows: string[];
  words: string[];
}

/** `now`: ms since the epoch. */
export function formatFleet(state: FleetState, options: { color: boolean; now: number }): FleetText {
  const { clusters, applications, sets } = state;
  const paint = (text: string) => (options.color && colors[text] ? `\u001B[${colors[text]}m${text}\u001B[0m` : text);
  const clusterRows = clusters.map((cluster) => [
    cluster.name,
    cluster.state,
    cluster.lastSeenAt ? `${formatAge(options.now - Date.parse(cluster.lastSeenAt))} ago` : 'never',
    formatLabels(cluster.labels),
    String(applications.filter((app) => app.fleet.cluster === cluster.name).length),
  ]);
  const applicationRows = applications.map((app) => [
    app.metadata.name ?? '',
    app.fleet.cluster ?? '',
    syncOf(app),
    formatHealth(app),
    app.fleet.ageMs === undefined ? '' : `${formatAge(app.fleet.ageMs)} ago`,
    (app.status?.sync?.revision ?? '').slice(0, 7),
  ]);
  const rows = [
    ...formatTable(['CLUSTER', 'STATE', 'LAST SEEN', 'LABELS', 'APPS'], clusterRows, paint),
    '',
    ...formatTable(['APPLICATION', 'CLUSTER', 'SYNC', 'HEALTH', 'SEEN', 'REVISION'], applicationRows, paint),
  ];
  return { rows, words: [...sets.flatMap(formatTrouble), formatSummary(applications)] };
}

function formatSummary(applications: ApplicationAnswer[]): string {
  const healthy = applications.filter(isHealthy).length;
  const stale = applications.filter((app) => app.fleet.stale).length;
  return `${healthy} of ${applications.length} Applications Healthy${stale > 0 ? `, ${stale} stale` : ''}`;
}

function formatTrouble(set: ApplicationSet): string[] {
  const state = describeState(set);
  return state === 'up to date' || state === 'not evaluated yet'
    ? []
    : [`ApplicationSet ${set.metadata.name}: ${state}`];
}

function formatTable(head: string[], rows: string[][], paint: (text: string) => string): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]) =>
    cells.map((cell, column) => paint(cell) + ' '.repeat((widths[column] ?? 0) - cell.length)).join('  ');
  return [line(head), ...rows.map(line)].map((text) => `  ${text.trimEnd()}`);
}
