import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import { formatRef, type KubeObject, refOf } from '@wheelhouse/shared/kube/object';
import { parseYamlStream } from '@wheelhouse/shared/kube/yaml';
import { isAllowed, type RawSecretAllowance, rawSecretsAnnotation, rawSecretWarning } from './raw-secrets.ts';
import { warnOfTokens } from './token-formats.ts';

/** A text of manifests, and where it came from for people: a path of the repository, or a template. */
export interface ManifestText {
  origin: string;
  text: string;
  /** A file that happens to lie in the folder: skipped with a warning if nothing in it looks like a manifest. */
  mayBeOther?: boolean;
}

export interface ManifestSet {
  /** In the order of the texts. */
  manifests: KubeObject[];
  /** Canonical JSON of each manifest. */
  canonical: string[];
  digest: string;
  warnings: string[];
  /** `namespace/name` of Secrets whose data come from Git, because their project allows it. */
  rawSecrets: string[];
}

/**
 * Texts to manifests: lists flattened, each checked, of repeated objects the last kept. Throws Malformed, ManifestInvalid
 * and RawSecretRefused, naming the text and the document's number in it, from 1.
 */
export function readManifests(texts: readonly ManifestText[], allowance?: RawSecretAllowance): ManifestSet {
  const warnings: string[] = [];
  const found = texts.flatMap((text) => readText(text, warnings));
  const rawSecrets = found.flatMap(({ manifest, where }) => checkSecret(manifest, where, allowance) ?? []);
  const manifests = dropRepeated(
    found.map(({ manifest }) => manifest),
    warnings,
  );
  warnings.push(...rawSecrets.map(warnOfSecret), ...warnOfTokens(manifests));
  const canonical = manifests.map((manifest) => canonicalJson(manifest));
  return { manifests, canonical, digest: digestOf(`[${canonical.join(',')}]`), warnings, rawSecrets };
}

interface Found {
  manifest: KubeObject;
  /** Text, document and item, for people. */
  where: string;
}

function readText(text: ManifestText, warnings: string[]): Found[] {
  // Argo CD: a file that holds this marker is not rendered.
  if (text.mayBeOther && text.text.includes('+argocd:skip-file-rendering')) return [];
  const documents = parse(text);
  if (!documents || (text.mayBeOther && documents.some(isContent) && !documents.some(looksLikeManifest))) {
    warnings.push(`${text.origin} holds no Kubernetes manifest and was skipped: exclude it to silence this`);
    return [];
  }
  return documents.flatMap((document, index) => flatten(document, `${text.origin} document ${index + 1}`));
}

/** The documents that are not empty; undefined for a file that is neither YAML nor meant as a manifest. */
function parse({ origin, text, mayBeOther }: ManifestText): unknown[] | undefined {
  try {
    // Whoever read the text has bounded it.
    return parseYamlStream(text, { maxLength: Number.POSITIVE_INFINITY });
  } catch (error) {
    if (mayBeOther && !/^[ \t]*"?(?:apiVersion|kind)"?[ \t]*:/mu.test(text)) return undefined;
    throw new FleetError('Malformed', `${origin}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function isContent(document: unknown): boolean {
  return document !== null && document !== undefined;
}

function looksLikeManifest(document: unknown): boolean {
  return isRecord(document) && ['apiVersion', 'kind', 'metadata'].some((field) => field in document);
}

function flatten(document: unknown, where: string): Found[] {
  if (!isContent(document)) return [];
  if (!isRecord(document)) throw invalid(where, 'is not an object');
  const { kind, items } = document;
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items))
    return items.flatMap((item, index) => flatten(item, `${where} item ${index + 1}`));
  return [{ manifest: check(document, where), where }];
}

function check(document: Record<string, unknown>, where: string): KubeObject {
  const { apiVersion, kind, metadata } = document;
  if (!isText(kind)) throw invalid(where, 'has no kind');
  if (!isText(apiVersion)) throw invalid(where, `(${kind}) has no apiVersion`);
  if (apiVersion.startsWith('kustomize.config.k8s.io/'))
    throw invalid(
      where,
      `is a ${kind} of kustomize, not a manifest: use kustomize for this folder, or exclude the file`,
    );
  if (!isRecord(metadata)) throw invalid(where, `(${kind}) has no metadata`);
  if (!isText(metadata['name']) && !isText(metadata['generateName']))
    throw invalid(where, `(${kind}) has no metadata.name, or one that is not a string`);
  if (
    metadata['namespace'] !== undefined &&
    metadata['namespace'] !== null &&
    typeof metadata['namespace'] !== 'string'
  )
    throw invalid(
      where,
      `(${kind} ${String(metadata['name'])}) has a metadata.namespace that is not a string: quote it`,
    );
  return document as KubeObject;
}

/** Name of a Secret that comes with its data, and may; throws RawSecretRefused for one that may not. */
function checkSecret(
  manifest: KubeObject,
  where: string,
  allowance: RawSecretAllowance | undefined,
): string | undefined {
  if (manifest.apiVersion !== 'v1' || manifest.kind !== 'Secret') return undefined;
  if (isEmpty(manifest['data']) && isEmpty(manifest['stringData'])) return undefined;
  const { namespace, name } = refOf(manifest);
  if (isAllowed(namespace, name, allowance)) return `${namespace || allowance?.namespace}/${name}`;
  throw new FleetError(
    'RawSecretRefused',
    `${where}: secret ${namespace ? `${namespace}/` : ''}${name} has its data in Git: seal it as a SealedSecret, or refer to a secret store by an ExternalSecret`,
  );
}

function warnOfSecret(secret: string): string {
  return `${rawSecretWarning}: secret ${secret} has its data in Git, which its project allows by ${rawSecretsAnnotation}`;
}

/** Argo CD: the last of repeated objects wins. */
function dropRepeated(manifests: KubeObject[], warnings: string[]): KubeObject[] {
  const last = new Map<string, { index: number; times: number }>();
  const keys = manifests.map((manifest) => (manifest.metadata.name ? formatRef(refOf(manifest)) : undefined));
  for (const [index, key] of keys.entries())
    if (key !== undefined) last.set(key, { index, times: (last.get(key)?.times ?? 0) + 1 });
  for (const [key, { times }] of last)
    if (times > 1) warnings.push(`RepeatedResourceWarning: ${key} appears ${times} times: the last one is used`);
  return manifests.filter((_, index) => {
    const key = keys[index];
    return key === undefined || last.get(key)?.index === index;
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (isRecord(value) && Object.keys(value).length === 0);
}

function invalid(where: string, reason: string): FleetError {
  return new FleetError('ManifestInvalid', `${where}: ${reason}`);
}
