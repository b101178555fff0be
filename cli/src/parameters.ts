import { drySourceOf, sourcesOf } from '@wheelhouse/shared/resources/application-sources';
import type { ApplicationAnswer } from './application.ts';
import type { Client } from './client.ts';
import { formatTable } from './output.ts';

interface Announcement {
  name: string;
  title?: string;
  required?: boolean;
  collectionType?: string;
  string?: string;
  array?: string[];
  map?: Record<string, string>;
}

type Source = NonNullable<ApplicationAnswer['spec']['source']>;

/** What the plugin of a source says it can be given, and what it is given. */
export interface SourceParameters {
  source: string;
  parameters: { name: string; type: string; required: boolean; default: string; value: string; title: string }[];
}

/** Of each source that a plugin makes manifests of. */
export async function readParameters(
  client: Pick<Client, 'request'>,
  { metadata, spec }: Pick<ApplicationAnswer, 'metadata' | 'spec'>,
): Promise<SourceParameters[]> {
  const sources = spec.sourceHydrator ? [drySourceOf(spec.sourceHydrator)] : sourcesOf(spec);
  const found: SourceParameters[] = [];
  for (const [sourceIndex, source] of sources.entries()) {
    if (source.ref && !source.path && !source.chart) continue;
    const appName = `${metadata.namespace}/${metadata.name}`;
    const { plugin } = await client.request<{ plugin?: { parametersAnnouncement: Announcement[] } }>(
      `/api/v1/repositories/${encodeURIComponent(source.repoURL)}/appdetails`,
      { method: 'POST', body: { source, appName, sourceIndex } },
    );
    if (plugin) found.push({ source: nameOf(source), parameters: describe(plugin.parametersAnnouncement, source) });
  }
  return found;
}

export function formatParameters(found: readonly SourceParameters[]): string {
  if (found.length === 0) return 'No plugin makes manifests of it: it has no parameters.\n';
  return found
    .map(({ source, parameters }) => {
      const table = formatTable(
        parameters,
        [
          ['NAME', ({ name }) => name],
          ['TYPE', ({ type }) => type],
          ['REQUIRED', ({ required }) => (required ? 'yes' : 'no')],
          ['DEFAULT', (parameter) => parameter.default],
          ['VALUE', ({ value }) => value],
          ['TITLE', ({ title }) => title],
        ],
        'none',
      );
      return `Parameters of ${source}:\n${table}`;
    })
    .join('\n');
}

/** Announced ones, the last of a name, as Argo CD; then those that are given without having been announced. */
function describe(announced: readonly Announcement[], { plugin }: Source): SourceParameters['parameters'] {
  const given = new Map((plugin?.parameters ?? []).map((parameter) => [parameter.name ?? '', parameter]));
  const known = new Map(announced.map((one) => [one.name, one]));
  const others = [...given.values()].filter(({ name = '' }) => !known.has(name));
  return [
    ...[...known.values()].map((one) => ({
      name: one.name,
      type: one.collectionType || 'string',
      required: one.required ?? false,
      default: valueOf(one),
      value: valueOf(given.get(one.name) ?? {}),
      title: one.title ?? '',
    })),
    ...others.map((one) => ({
      name: one.name ?? '',
      type: typeOf(one),
      required: false,
      default: '',
      value: valueOf(one),
      title: '(not announced)',
    })),
  ];
}

function typeOf({ array, map }: Pick<Announcement, 'array' | 'map'>): string {
  if (array) return 'array';
  return map ? 'map' : 'string';
}

function valueOf({ string, array, map }: Pick<Announcement, 'string' | 'array' | 'map'>): string {
  if (array) return array.join(',');
  if (map)
    return Object.entries(map)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
  return string ?? '';
}

function nameOf({ repoURL, path, chart }: Source): string {
  return `${repoURL} ${chart ?? path ?? '.'}`;
}
