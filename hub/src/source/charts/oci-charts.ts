import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { HttpClient } from '../http/http-client.ts';
import type { SourceLocation } from '../location.ts';
import type { Repository } from '../source.ts';
import { isConstraint } from '../version-constraint.ts';
import { chooseVersion } from './choose-version.ts';
import { type Fetcher, formatChart } from './fetcher.ts';
import { type OciRepository, parseOciRepository } from './oci-reference.ts';
import { createOciRegistry, type OciManifest } from './oci-registry.ts';

const chartLayer = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
/** Argo CD: reposerver.oci.layer.media.types. */
const archiveLayers = [
  chartLayer,
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.v1.tar+gzip',
];

/** Charts and artifacts of an OCI registry. A chart's revision is its version, an artifact's the digest of its manifest. */
export function createOciCharts(
  http: HttpClient,
  repository: Repository,
  limits: { maxArchiveBytes: number; now(): number },
): Fetcher {
  const registry = createOciRegistry(http, { maxBytes: limits.maxArchiveBytes, now: limits.now });
  const placeOf = ({ chart }: SourceLocation): OciRepository =>
    parseOciRepository(repository.url, { chart, plainHttp: repository.plainHttp ?? false });

  /** Helm: a tag cannot have a `+`, so build metadata follows a `_`. */
  async function findTag(location: SourceLocation, wanted: string, signal: AbortSignal): Promise<string> {
    if (!location.chart && !isConstraint(wanted)) return wanted === '' ? 'latest' : wanted;
    const tags = await registry.tags(placeOf(location), signal);
    return chooseVersion(
      tags.map((tag) => tag.replace('_', '+')),
      wanted,
      formatChart(location),
    ).replace('+', '_');
  }

  return {
    resolve: async (location, signal) => {
      const { targetRevision: wanted } = location;
      const reference = isDigest(wanted) ? wanted : await findTag(location, wanted, signal);
      const manifest = await registry.manifest(placeOf(location), reference, signal);
      const revision = location.chart && !isDigest(reference) ? reference.replace('_', '+') : manifest.digest;
      return { revision, digest: archiveOf(manifest, formatChart(location)).digest.slice('sha256:'.length) };
    },
    download: async (location, revision, signal) => {
      const reference = isDigest(revision) ? revision : revision.replace('+', '_');
      const manifest = await registry.manifest(placeOf(location), reference, signal);
      return await registry.blob(placeOf(location), archiveOf(manifest, formatChart(location)).digest, signal);
    },
  };
}

function isDigest(text: string): boolean {
  return /^sha256:[\da-f]{64}$/u.test(text);
}

/** Argo CD: one layer is an archive of files. */
function archiveOf({ layers }: OciManifest, what: string): OciManifest['layers'][number] {
  const archives = layers.filter(({ mediaType }) => archiveLayers.includes(mediaType));
  const [only] = archives;
  if (only && archives.length === 1) return only;
  const types = layers.map(({ mediaType }) => mediaType).join(', ') || 'none';
  throw new FleetError(
    'Unsupported',
    `${what} has ${archives.length} layers that are archives of files (${types}): pack it with exactly one`,
  );
}
