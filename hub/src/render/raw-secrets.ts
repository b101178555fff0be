/**
 * Which Secrets may come with their data from Git: none, unless their project names them. What is let through is a warning on
 * the Application and a line in the audit stream, and its bundle is never put into a document.
 */

import { compileGlob, matchesGlob } from '@wheelhouse/shared/glob/gobwas';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';

/** `shop/registry-*, infra/ca` on an AppProject: namespace and name of Secrets, both with globs. */
export const rawSecretsAnnotation = 'wheelhouse.dev/raw-secrets';

/** Marks the warning, for its condition. */
export const rawSecretWarning = 'RawSecretWarning';

/** What one project allows, as it goes into a render's key. */
export interface RawSecretAllowance {
  /** `namespace/name`, in order. */
  patterns: string[];
  /** Of a Secret that names none. */
  namespace: string;
}

/** Undefined when nothing is allowed. */
export function allowanceOf({
  rawSecrets = [],
  namespace,
}: {
  rawSecrets?: string[];
  namespace: string;
}): RawSecretAllowance | undefined {
  return rawSecrets.length > 0 ? { patterns: rawSecrets, namespace } : undefined;
}

export function allowedSecretsOf(project: AppProject | undefined): string[] {
  const patterns = (project?.metadata.annotations?.[rawSecretsAnnotation] ?? '').split(',').map((one) => one.trim());
  return [...new Set(patterns.filter((pattern) => whyPatternInvalid(pattern) === undefined))].sort();
}

export function isAllowed(namespace: string, name: string, allowance: RawSecretAllowance | undefined): boolean {
  const secret = `${namespace || allowance?.namespace}/${name}`;
  return allowance?.patterns.some((pattern) => matchesGlob(pattern, secret, '/')) ?? false;
}

/** Why the annotation of a project allows nothing, or less than it seems to. */
export function whyRawSecretsInvalid({ metadata }: Pick<AppProject, 'metadata'>): string | undefined {
  const text = metadata.annotations?.[rawSecretsAnnotation];
  const reasons = text?.split(',').map((pattern) => whyPatternInvalid(pattern.trim()));
  return reasons?.find((reason) => reason !== undefined);
}

function whyPatternInvalid(pattern: string): string | undefined {
  const isPair = /^[^/]+\/[^/]+$/.test(pattern) && compileGlob(pattern, '/') !== undefined;
  if (isPair) return undefined;
  return `annotation ${rawSecretsAnnotation}: "${pattern}" is not namespace/name of a Secret; write it as shop/registry-*`;
}
