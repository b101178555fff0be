import { createHash } from 'node:crypto';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { ApplicationSource, HelmSource } from '@wheelhouse/shared/resources/application-source';
import type { Snapshot } from '../source/source.ts';
import { buildEnvironment, type RenderFacts, substituteSource } from './build-environment.ts';
import { explicitSourceType, type SourceType } from './discover.ts';
import type { RenderInput } from './inputs.ts';

export interface RenderRequest {
  source: ApplicationSource;
  snapshot: Snapshot;
  facts: RenderFacts;
}

/** What a render was made of; JSON. As long as `stillValid`, the bundle of that digest is the answer to the request. */
export interface RenderRecord {
  /** With the tool that was discovered. */
  requestKey: string;
  /** `sha256:<hex>` of the canonical manifests. */
  digest: string;
  sourceType: SourceType;
  toolVersion: string;
  inputs: RenderInput[];
  /** Commit, only when the render put it into a manifest. */
  revision?: string;
  warnings: string[];
}

/** A bundle. Shared between callers: read it, never change it. */
export interface Rendered {
  record: RenderRecord;
  digest: string;
  sourceType: SourceType;
  inputs: RenderInput[];
  warnings: string[];
  /** In the order of the source. */
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
 * sha256 (hex) of all that a render depends upon besides Git's content. The Application's name and namespace are part of
 * it only where the tool reads them. Without an explicit tool in the source, pass what `discoverSourceType` found;
 * else the key takes the worst case, Helm, and Applications share less than they could.
 */
export function renderRequestKey(source: ApplicationSource, facts: RenderFacts, sourceType?: SourceType): string {
  const type = sourceType ?? explicitSourceType(source);
  const { repoURL, path = '', targetRevision = '' } = source;
  return hashOf({
    repoURL,
    path,
    targetRevision,
    discovered: !explicitSourceType(source),
    ...optionsRead(source, facts, type),
  });
}

/** The options and facts that a tool of this type reads, with the build environment put in. */
export function optionsRead(
  source: ApplicationSource,
  facts: RenderFacts,
  type: SourceType | undefined,
): Record<string, unknown> {
  const { directory, kustomize, helm } = substituteSource(source, buildEnvironment(source, facts));
  if (type === 'Directory') return { type, directory };
  if (type === 'Kustomize') return { type, kustomize };
  return { type: 'Helm', helm, ...helmFacts(helm ?? {}, facts) };
}

/** What Helm reads of the Application and its cluster, unless the source says otherwise. */
export function helmFacts(helm: HelmSource, facts: RenderFacts): HelmFacts {
  return {
    releaseName: helm.releaseName || facts.appName,
    namespace: helm.namespace || facts.namespace,
    kubeVersion: helm.kubeVersion || (facts.kubeVersion ?? ''),
    apiVersions: helm.apiVersions ?? facts.apiVersions ?? [],
  };
}

export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
