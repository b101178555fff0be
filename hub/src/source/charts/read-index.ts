import { parseYaml } from '@wheelhouse/shared/kube/yaml';

export interface ChartVersion {
  version: string;
  /** Absolute, or relative to the repository; the first that works is taken. */
  urls: string[];
  /** sha256 of the archive, hex. */
  digest?: string;
}

/** Helm: `entries.<chart>[]` of index.yaml. Empty when the chart is not in it. Throws for what is no index. */
export function readChartVersions(text: string, chart: string): ChartVersion[] {
  const index = parseYaml(text, { maxLength: Number.POSITIVE_INFINITY }) as {
    entries?: Record<string, unknown>;
  } | null;
  if (typeof index?.entries !== 'object' || index.entries === null) throw new Error('it has no entries');
  const versions = index.entries[chart];
  return Array.isArray(versions) ? versions.flatMap(readVersion) : [];
}

function readVersion(entry: unknown): ChartVersion[] {
  const { version, urls, digest } = (entry ?? {}) as { version?: unknown; urls?: unknown; digest?: unknown };
  if (typeof version !== 'string' || !Array.isArray(urls)) return [];
  const hex = typeof digest === 'string' ? digest.replace(/^sha256:/u, '').toLowerCase() : '';
  return [
    {
      version,
      urls: urls.filter((url) => typeof url === 'string'),
      ...(/^[\da-f]{64}$/u.test(hex) ? { digest: hex } : {}),
    },
  ];
}
