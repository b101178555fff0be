import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import { integrityOf, whyNoPolicy } from '../project/integrity.ts';
import type { RenderFacts } from '../render/build-environment.ts';
import { hashOf } from '../render/request.ts';
import type { Problem } from '../store/derived.ts';
import type { SpecStore } from '../store/specs.ts';

/** Argo CD: the public keys that signatures are checked with, armoured, by their ids. */
export const keysConfigMap = 'argocd-gpg-keys-cm';

export function readKeys(specs: Pick<SpecStore, 'find'>): Readonly<Record<string, string>> {
  const { data = {} } = (specs.find('ConfigMap', controlNamespace, keysConfigMap)?.resource ?? {}) as {
    data?: Record<string, string>;
  };
  return data;
}

/** What must be signed of the sources of an Application, where its project wants anything signed. */
export function integrityFacts(
  project: AppProject | undefined,
  sources: readonly ApplicationSource[],
  specs: Pick<SpecStore, 'find'>,
): Pick<RenderFacts, 'integrity'> {
  const policies = sources.map((source) => integrityOf(project, source) ?? null);
  if (policies.every((policy) => policy === null)) return {};
  return { integrity: { policies, keyring: hashOf(readKeys(specs)) } };
}

/** Policies that contradict each other permit nothing. */
export function whyUnverifiable(
  { metadata }: Application,
  project: AppProject | undefined,
  sources: readonly ApplicationSource[],
): Problem | undefined {
  const reason = whyNoPolicy(project, sources);
  return reason ? { code: 'Invalid', message: `application ${metadata.name}: ${reason}` } : undefined;
}
