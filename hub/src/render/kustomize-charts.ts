import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { chartLocation } from './helm-dependencies.ts';
import type { Place, Walk } from './kustomize-references.ts';
import { resolvePath } from './repository-path.ts';
import type { OpenCharts, Vendored } from './vendored.ts';

/** Helm inside kustomize: off unless the hub's build options have `--enable-helm`. */
export interface Inflation {
  enabled: boolean;
  charts: OpenCharts;
  vendored: Vendored[];
}

interface ChartEntry {
  name?: unknown;
  version?: unknown;
  repo?: unknown;
}

/** Puts the charts of `helmCharts` where kustomize looks before it downloads. Throws Unsupported when the hub does not inflate. */
export async function collectInflatedCharts(
  { inflation }: Pick<Walk, 'inflation'>,
  at: Place,
  { path, content }: { path: string; content: Record<string, unknown> },
): Promise<void> {
  const field = ['helmCharts', 'helmChartInflationGenerator'].find((name) => name in content);
  if (field === undefined) return;
  if (!inflation.enabled)
    throw new FleetError(
      'Unsupported',
      `${path}: ${field}: Helm inside kustomize is off: add --enable-helm to kustomize.buildOptions in argocd-cm, or use the chart as a Helm source of its own`,
    );
  if (field !== 'helmCharts')
    throw new FleetError('Unsupported', `${path}: ${field} is of old kustomize: use helmCharts`);
  const { chartHome = 'charts' } = (content['helmGlobals'] ?? {}) as { chartHome?: string };
  for (const entry of (Array.isArray(content[field]) ? content[field] : []) as ChartEntry[])
    await collectChart(inflation, { at, chartHome, path }, entry);
}

async function collectChart(
  { charts, vendored }: Inflation,
  { at, chartHome, path }: { at: Place; chartHome: string; path: string },
  { name, version, repo }: ChartEntry,
): Promise<void> {
  if (typeof name !== 'string' || !/^[\w.-]+$/u.test(name) || /^\.+$/u.test(name))
    throw new FleetError('Malformed', `${path}: helmCharts: an entry has no name of a chart`);
  if (typeof repo !== 'string' || repo === '') return;
  const wanted = typeof version === 'string' ? version : '';
  if (/[/\\]|^\.+$/u.test(wanted)) throw new FleetError('Malformed', `${path}: helmCharts: ${wanted} is no version`);
  const home = resolvePath(at.path, chartHome, `${path}: helmGlobals.chartHome`);
  // kustomize: charts are kept by version where one is given
  const into = { in: at.in, path: `${home}/${wanted === '' ? '' : `${name}-${wanted}/`}${name}` };
  if (await at.in.snapshot.entry(into.path)) return;
  vendored.push({ from: { in: await charts.open(chartLocation(repo, name, wanted)), path: '' }, into });
}
