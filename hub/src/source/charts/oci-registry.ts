import { createHash } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type HttpAnswer, type HttpClient, withoutLogin } from '../http/http-client.ts';
import type { OciRepository } from './oci-reference.ts';
import { createTokens } from './oci-token.ts';

export interface OciManifest {
  digest: string;
  /** Of the artifact, as `application/vnd.cncf.helm.config.v1+json`. */
  configType: string;
  layers: { mediaType: string; digest: string; size: number }[];
}

/** A client of one registry, as the OCI distribution specification describes it. */
export interface OciRegistry {
  tags(repository: OciRepository, signal: AbortSignal): Promise<string[]>;
  /** By tag, or by digest, which is then verified. */
  manifest(repository: OciRepository, reference: string, signal: AbortSignal): Promise<OciManifest>;
  /** Verified. */
  blob(repository: OciRepository, digest: string, signal: AbortSignal): Promise<Buffer>;
}

export interface OciRegistryOptions {
  maxBytes: number;
  now(): number;
}

const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
const maxPages = 100;
const maxDocumentBytes = 4 << 20;

/** Throws RepositoryUnreachable, RepositoryAuthentication, RevisionNotFound, DigestMismatch, TooLarge, Malformed, Unsupported. */
export function createOciRegistry(http: HttpClient, { maxBytes, now }: OciRegistryOptions): OciRegistry {
  const tokens = createTokens(http, now);

  async function get(
    repository: OciRepository,
    wanted: { path: string; accept?: string; limit: number },
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const url = new URL(wanted.path, `${repository.origin}/v2/${repository.name}/`).href;
    const scope = `repository:${repository.name}:pull`;
    const ask = async (token: string | undefined) =>
      await http.send(
        {
          url,
          maxBytes: wanted.limit,
          origin: repository.origin,
          headers: {
            ...(wanted.accept ? { accept: wanted.accept } : {}),
            ...(token ? { authorization: `Bearer ${token}` } : {}),
          },
        },
        signal,
      );
    const place = { origin: repository.origin, scope };
    const answer = await ask(tokens.find(place));
    const challenge = answer.status === 401 ? answer.headers['www-authenticate'] : undefined;
    // a host that a redirect led to is not asked who may have the registry's login
    const isHome = new URL(answer.url).origin === repository.origin;
    if (!challenge || !isHome || !/^bearer /iu.test(challenge)) return answer;
    return await ask(await tokens.obtain({ ...place, challenge }, signal));
  }

  return {
    tags: async (repository, signal) => {
      const tags: string[] = [];
      let path: string | undefined = 'tags/list?n=1000';
      for (let page = 0; path !== undefined && page < maxPages; page += 1) {
        const answer: HttpAnswer = await get(repository, { path, limit: maxDocumentBytes }, signal);
        refuse(answer, repository, 'its tags');
        tags.push(...((readJson(answer) as { tags?: string[] | null }).tags ?? []));
        path = nextPage(answer, repository);
      }
      return tags;
    },
    manifest: async (repository, reference, signal) => {
      const accept = manifestTypes.join(', ');
      const answer = await get(repository, { path: `manifests/${reference}`, accept, limit: maxDocumentBytes }, signal);
      refuse(answer, repository, reference);
      const digest = sha256(answer.body);
      if (reference.startsWith('sha256:') && digest !== reference) throw mismatch(repository, reference, digest);
      return parseManifest(readJson(answer), { digest, what: `${formatRepository(repository)}@${reference}` });
    },
    blob: async (repository, digest, signal) => {
      const answer = await get(repository, { path: `blobs/${digest}`, limit: maxBytes }, signal);
      refuse(answer, repository, digest);
      const found = sha256(answer.body);
      if (found !== digest) throw mismatch(repository, digest, found);
      return answer.body;
    },
  };
}

export function formatRepository({ origin, name }: OciRepository): string {
  return `${origin.replace(/^https?:\/\//u, '')}/${name}`;
}

function parseManifest(value: unknown, { digest, what }: { digest: string; what: string }): OciManifest {
  const { config, layers } = value as { config?: { mediaType?: string }; layers?: OciManifest['layers'] };
  if (
    !Array.isArray(layers) ||
    layers.some((layer) => typeof layer?.digest !== 'string' || !/^sha256:[\da-f]{64}$/u.test(layer.digest))
  )
    throw new FleetError(
      'Unsupported',
      `${what} is no OCI artifact with sha256 layers: an index of several platforms cannot be rendered`,
    );
  return { digest, configType: config?.mediaType ?? '', layers };
}

function refuse(answer: HttpAnswer, repository: OciRepository, what: string): void {
  if (answer.status === 200) return;
  const where = formatRepository(repository);
  if (answer.status === 401 || answer.status === 403)
    throw new FleetError(
      'RepositoryAuthentication',
      `registry refuses ${where} with ${answer.status}; check the credentials in its repository Secret (type helm or oci)`,
    );
  if (answer.status === 404) throw new FleetError('RevisionNotFound', `${where} does not have ${what}`);
  throw new FleetError('RepositoryUnreachable', `registry answers ${answer.status} for ${what} of ${where}`);
}

/** Link: </v2/…/tags/list?last=…>; rel="next". Only within the registry. */
function nextPage({ headers }: HttpAnswer, { origin, name }: OciRepository): string | undefined {
  const next = /<(?<url>[^>]+)>\s*;\s*rel="?next"?/u.exec(headers['link'] ?? '')?.groups?.['url'];
  if (next === undefined) return undefined;
  const url = new URL(next, `${origin}/v2/${name}/`);
  return url.origin === origin ? `${url.pathname}${url.search}` : undefined;
}

function readJson({ body, url }: HttpAnswer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    // the cause would quote what was sent
    throw new FleetError('Malformed', `${withoutLogin(url)} is no JSON`);
  }
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function mismatch(repository: OciRepository, wanted: string, found: string): FleetError {
  return new FleetError(
    'DigestMismatch',
    `${formatRepository(repository)} sent ${found} for ${wanted}: the registry or what is between is broken`,
  );
}
