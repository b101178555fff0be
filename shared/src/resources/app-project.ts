import { z } from 'zod';
import { compileGlob } from '../glob/gobwas.ts';
import { isTimeZone } from '../schedule/cron.ts';
import { anyObject, argoApiVersion, flag, integer, objectMeta, text, texts } from './fields.ts';

const groupKind = z.strictObject({ group: z.string(), kind: z.string() });
const groupKindName = z.strictObject({ group: z.string(), kind: z.string(), name: text });

const role = z.strictObject({
  name: z.string(),
  description: text,
  groups: texts,
  policies: texts,
  jwtTokens: z.array(z.strictObject({ iat: z.int(), exp: integer, id: text })).exactOptional(),
});

export const syncWindow = z.strictObject({
  kind: text,
  schedule: text,
  duration: text,
  timeZone: text,
  applications: texts,
  namespaces: texts,
  clusters: texts,
  andOperator: flag,
  manualSync: flag,
  syncOverrun: flag,
  description: text,
});

const sourceIntegrityPolicy = z.strictObject({
  repos: z.array(z.strictObject({ url: z.string() })),
  gpg: z.strictObject({ mode: z.string(), keys: z.array(z.string()) }),
});

const appProjectSpec = z.strictObject({
  clusterResourceBlacklist: z.array(groupKindName).exactOptional(),
  clusterResourceWhitelist: z.array(groupKindName).exactOptional(),
  description: z.string().max(255).exactOptional(),
  destinationServiceAccounts: z
    .array(z.strictObject({ server: z.string(), namespace: text, defaultServiceAccount: z.string() }))
    .exactOptional(),
  destinations: z.array(z.strictObject({ server: text, name: text, namespace: text })).exactOptional(),
  namespaceResourceBlacklist: z.array(groupKind).exactOptional(),
  namespaceResourceWhitelist: z.array(groupKind).exactOptional(),
  orphanedResources: z
    .strictObject({
      ignore: z.array(z.strictObject({ group: text, kind: text, name: text })).exactOptional(),
      warn: flag,
    })
    .exactOptional(),
  permitOnlyProjectScopedClusters: flag,
  roles: z.array(role).exactOptional(),
  signatureKeys: z.array(z.strictObject({ keyID: z.string() })).exactOptional(),
  sourceIntegrity: z
    .strictObject({ git: z.strictObject({ policies: z.array(sourceIntegrityPolicy) }) })
    .exactOptional(),
  sourceNamespaces: texts,
  sourceRepos: texts,
  syncWindows: z.array(syncWindow).exactOptional(),
});

/** Argo CD 3.6: AppProject. An absent kind list differs from an empty one, so neither is made up. */
export const appProject = z.strictObject({
  apiVersion: argoApiVersion,
  kind: z.literal('AppProject'),
  metadata: objectMeta,
  spec: appProjectSpec,
  status: anyObject.exactOptional(),
});

export type AppProject = z.infer<typeof appProject>;
export type AppProjectSpec = z.infer<typeof appProjectSpec>;
export type SyncWindow = z.infer<typeof syncWindow>;
export type ProjectRole = z.infer<typeof role>;

/** A sentence for each sync window whose time zone nobody knows: Argo CD takes it for UTC. */
export function warnOfTimeZones({ kind, spec }: { kind: string; spec?: unknown }): string[] {
  if (kind !== 'AppProject') return [];
  const zones = ((spec as AppProjectSpec).syncWindows ?? []).flatMap(({ timeZone }) => timeZone ?? []);
  const unknown = [...new Set(zones)].filter((zone) => zone !== '' && !isTimeZone(zone));
  return unknown.map((zone) => `spec.syncWindows: there is no time zone "${zone}"; such a window counts as UTC`);
}

/** A sentence for each rule of `orphanedResources` that ignores nothing: Argo CD takes a pattern that cannot be read for one that nothing matches. */
export function warnOfIgnoreRules({ kind, spec }: { kind: string; spec?: unknown }): string[] {
  if (kind !== 'AppProject') return [];
  const rules = (spec as AppProjectSpec).orphanedResources?.ignore ?? [];
  const patterns = rules.flatMap((rule) => [rule.group ?? '', rule.kind ?? '', rule.name ?? '']);
  const unread = [...new Set(patterns)].filter((pattern) => compileGlob(pattern) === undefined);
  return unread.map((pattern) => `spec.orphanedResources.ignore: "${pattern}" is no pattern, and ignores nothing`);
}
