import { createHash } from 'node:crypto';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { ApplicationSource, HelmSource } from '@wheelhouse/shared/resources/application-source';
import type { SourceLocation } from '../source/location.ts';
import type { Snapshot } from '../source/source.ts';
import { buildEnvironment, type RenderFacts, substituteSource } from './build-environment.ts';
import { explicitSourceType, isReferenceOnly, type SourceType } from './discover.ts';
import type { RenderInput } from './inputs.ts';
import { parseKubeVersion } from './kube-version.ts';
import { allowanceOf } from './raw-secrets.ts';

/** A source with its files at the revision that was resolved for it. */
export interface OpenSource {
  source: ApplicationSource;
  snapshot: Snapshot;
}

/** Opens something that sources refer to (a value file's repository, a remote base, a chart) at its newest resolved revision. */
export type OpenLocation = (location: SourceLocation, signal: AbortSignal) => Promise<Snapshot>;

export interface RenderRequest {
  /** Of one Application, in its order: their manifests are concatenated. At least one. */
  sources: readonly OpenSource[];
  facts: RenderFacts;
  open: OpenLocation;
}

/** What one source contributed to a render. */
export interface RenderPart {
  location: SourceLocation;
  sourceType: SourceType;
  toolVersion: string;
  inputs: RenderInput[];
  /** Commit, only when the render put it into a manifest. */
  revision?: string;
}

/** What a render was made of; JSON. As long as `stillValid`, the bundle of that digest is the answer to the request. */
export interface RenderRecord {
  /** With the tools that were discovered. */
  requestKey: string;
  /** `sha256:<hex>` of the canonical manifests. */
  digest: string;
  /** One for each source that gives manifests, in order. */
  parts: RenderPart[];
  warnings: string[];
}

/** A bundle. Shared between callers: read it, never change it. */
export interface Rendered {
  record: RenderRecord;
  digest: string;
  /** As in the record, one for each source that gives manifests. */
  sourceTypes: SourceType[];
  warnings: string[];
  /** `namespace/name` of Secrets whose data come from Git, because the project allows it. */
  rawSecrets: string[];
  /** In the order of the sources. */
  manifests: readonly KubeObject[];
  /** The manifests as one canonical JSON array, UTF-8. */
  bytes: Buffer;
}

/** What Helm knows besides the chart and its values. */
export interface HelmFacts {
  releaseName: string;
  /** '' leaves it to helm. */
  namespace: string;
  kubeVersion: string;
  apiVersions: readonly string[];
}

/**
 * sha256 (hex) of all that a render depends upon besides the sources' content. The Application's name and namespace are part of
 * it only where a tool reads them. Without an explicit tool in a source, pass what `discoverSourceType` found; else the key
 * takes the worst case, Helm, and Applications share less than they could.
 */
export function renderRequestKey(
  sources: readonly ApplicationSource[],
  facts: RenderFacts,
  types: readonly (SourceType | undefined)[] = [],
): string {
  const parts = sources.map((source, index) => ({
    ...partOf(source, facts, types[index]),
    ...signedBy(facts, index),
  }));
  return hashOf(parts.length === 1 ? parts[0] : parts);
}

/** What was verified with other keys, or in another way, answers another request. */
function signedBy({ integrity }: RenderFacts, index: number): object {
  const policy = integrity?.policies[index];
  return integrity && policy ? { signed: { ...policy, keyring: integrity.keyring } } : {};
}

function partOf(source: ApplicationSource, facts: RenderFacts, sourceType: SourceType | undefined) {
  const { repoURL, path = '', targetRevision = '', chart, ref, tagPrefix } = source;
  const place = { repoURL, path, targetRevision, chart, ref, tagPrefix };
  if (isReferenceOnly(source)) return place;
  const explicit = explicitSourceType(source);
  return { ...place, discovered: !explicit, ...optionsRead(source, facts, sourceType ?? explicit) };
}

/** The options and facts that a tool of this type reads, with the build environment put in. */
export function optionsRead(
  source: ApplicationSource,
  facts: RenderFacts,
  type: SourceType | undefined,
): Record<string, unknown> {
  const { directory, kustomize, helm } = substituteSource(source, buildEnvironment(source, facts));
  // what a file in Git overrides may read any fact
  const shared = {
    ...(facts.overriddenBy === undefined ? {} : { facts }),
    // what one project allows is not for others
    ...(allowanceOf(facts) ? { allowance: allowanceOf(facts) } : {}),
  };
  if (type === 'Directory') return { type, directory, ...shared };
  if (type === 'Kustomize') return { type, kustomize, ...shared };
  if (type === 'Plugin') return { type, ...readByPlugin(source, facts), ...shared };
  return { type: 'Helm', helm, ...helmFacts(helm ?? {}, facts), ...shared };
}

/** Its environment holds all that there is. */
function readByPlugin(source: ApplicationSource, facts: RenderFacts): Record<string, unknown> {
  const { generatePaths } = facts;
  return { plugin: source.plugin, environment: [...buildEnvironment(source, facts)], generatePaths };
}

/** What Helm reads of the Application and its cluster, unless the source says otherwise. */
export function helmFacts(helm: HelmSource, facts: RenderFacts): HelmFacts {
  return {
    releaseName: helm.releaseName || facts.appName,
    namespace: helm.namespace || facts.namespace,
    kubeVersion: helm.kubeVersion || (facts.kubeVersion ?? ''),
    apiVersions: helm.apiVersions?.length ? helm.apiVersions : (facts.apiVersions ?? []),
  };
}

/** As helm takes it on its command line. Throws Invalid for a version that Kubernetes does not have. */
export function helmInvocationFacts(helm: HelmSource, facts: RenderFacts): HelmFacts {
  const read = helmFacts(helm, facts);
  return { ...read, kubeVersion: parseKubeVersion(read.kubeVersion) };
}

export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
