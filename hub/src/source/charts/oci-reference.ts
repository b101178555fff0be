import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/** A repository of an OCI registry: what stands between `/v2/` and `/tags/list`. */
export interface OciRepository {
  /** `https://registry.example:5000` */
  origin: string;
  /** `team/charts/web` */
  name: string;
}

/** Argo CD: a chart repository without a scheme, or with `oci://`, is an OCI registry. */
export function isOciUrl(url: string): boolean {
  return url.startsWith('oci://') || !/^[a-z][a-z0-9+.-]*:\/\//iu.test(url);
}

/** `oci://host/path`, with `chart` appended. `plainHttp` (Argo CD: insecureOCIForceHttp) for registries without TLS. */
export function parseOciRepository(
  url: string,
  options: { chart?: string | undefined; plainHttp: boolean },
): OciRepository {
  const bare = url.replace(/^(?:oci|https?):\/\//u, '').replace(/\/+$/u, '');
  const [host = '', ...path] = [...bare.split('/'), ...(options.chart ? options.chart.split('/') : [])];
  const name = path.join('/');
  if (!/^(?:[\w.-]+|\[[\da-f:]+\])(?::\d+)?$/iu.test(host) || !/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/u.test(name))
    throw new FleetError(
      'Invalid',
      `${url}${options.chart ? ` with chart ${options.chart}` : ''} is no OCI repository: write it as oci://host/path, in lower case`,
    );
  return {
    origin: `${options.plainHttp ? 'http' : 'https'}://${host === 'docker.io' ? 'registry-1.docker.io' : host}`,
    name,
  };
}
