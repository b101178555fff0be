import { z } from 'zod';
import { flag, objectMeta, text, textMap } from './fields.ts';

// Kubernetes' own kinds in which Argo CD keeps its settings. Keys of `data` are read by the domain that uses them.

/** argocd-cm, argocd-rbac-cm and the other settings. */
export const configMap = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata: objectMeta,
  data: textMap,
  binaryData: textMap,
  immutable: flag,
});

/** Argo CD: `data` is base64, `stringData` is not and wins. */
export const secret = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata: objectMeta,
  type: text,
  data: textMap,
  stringData: textMap,
  immutable: flag,
});

export const secretTypeLabel = 'argocd.argoproj.io/secret-type';
const secretTypes = [
  'repository',
  'repo-creds',
  'repository-write',
  'repo-write-creds',
  'cluster',
  'scm-creds',
] as const;
export type SecretType = (typeof secretTypes)[number];

export type ConfigMap = z.infer<typeof configMap>;
export type Secret = z.infer<typeof secret>;

/** What an Argo CD Secret describes, by its label; undefined for any other Secret. */
export function secretTypeOf(value: Secret): SecretType | undefined {
  const label = value.metadata.labels?.[secretTypeLabel];
  return secretTypes.find((type) => type === label);
}

const partOfLabel = 'app.kubernetes.io/part-of';

/** Argo CD: by this label a ConfigMap or Secret of any name belongs to its settings. */
export function isPartOfArgo({ metadata }: { metadata: { labels?: Record<string, string> } }): boolean {
  return metadata.labels?.[partOfLabel] === 'argocd';
}

/** Kinds of Secrets that generators never send anywhere. */
const keptFromGenerators: readonly SecretType[] = ['cluster', 'repository-write', 'repo-write-creds'];

/** Whether generators may use the Secret for code hosts and plugins: credentials of clusters, for writing and of the hub stay out. */
export function isForGenerators(value: Secret): boolean {
  const type = secretTypeOf(value);
  if (type !== undefined) return !keptFromGenerators.includes(type);
  return isPartOfArgo(value) || value.metadata.name === 'argocd-secret';
}

/** The Secret's entries as text: `data` decoded, overlaid with `stringData`. Never log the result. */
export function secretEntries(value: Secret): Record<string, string> {
  const decoded = Object.entries(value.data ?? {}).map(([key, base64]) => [
    key,
    Buffer.from(base64, 'base64').toString('utf8'),
  ]);
  return { ...Object.fromEntries(decoded), ...value.stringData };
}
