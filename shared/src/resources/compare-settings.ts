/**
 * What `argocd-cm` says of comparing, for all Applications: `resource.customizations.ignoreDifferences.*`, the same in
 * `resource.customizations`, and `resource.compareoptions`. It becomes `ignoreDifferences` like those of an Application, so
 * that a cluster needs to know of no settings.
 */
import { z } from 'zod';
import { parseJqPaths } from '../kube/jq-path.ts';
import { parseYaml } from '../kube/yaml.ts';
import type { IgnoreDifference } from '../protocol/document.ts';

export interface CompareSettings {
  ignored: readonly IgnoreDifference[];
  /** A sentence for each value that cannot be read. */
  problems: string[];
  /** A sentence for each part that has no effect. */
  idle: string[];
}

type Data = Readonly<Record<string, string>>;

const prefix = 'resource.customizations.ignoreDifferences.';
const allCustomizations = 'resource.customizations';
const compareOptions = 'resource.compareoptions';

export function isCompareSetting(key: string): boolean {
  return key.startsWith(prefix) || key === allCustomizations || key === compareOptions;
}

const texts = z.array(z.string()).nullish();
const rule = z.looseObject({ jsonPointers: texts, jqPathExpressions: texts, managedFieldsManagers: texts });
const customizations = z.record(z.string(), z.looseObject({ ignoreDifferences: z.unknown().optional() }).nullable());
const options = z.looseObject({
  ignoreAggregatedRoles: z.boolean().nullish(),
  ignoreResourceStatusField: z.union([z.string(), z.boolean()]).nullish(),
});

/** Argo CD: the rules of a ClusterRole that others are aggregated into are the cluster's own. */
const aggregatedRoles: IgnoreDifference = {
  group: 'rbac.authorization.k8s.io',
  kind: 'ClusterRole',
  jqPathExpressions: ['select(.aggregationRule != null) | .rules'],
};

/** Never throws. What cannot be read is left out, and named. */
export function readCompareSettings(data: Data): CompareSettings {
  const found: Found = { byKind: new Map(), problems: [], idle: [] };
  readCustomizations(data[allCustomizations], found);
  for (const [key, text] of Object.entries(data)) {
    if (!key.startsWith(prefix)) continue;
    const kind = kindOf(key.slice(prefix.length));
    if (kind === undefined) found.problems.push(`${key}: names no kind; write it as ${prefix}GROUP_KIND`);
    else addRule(found, { key, kind, text });
  }
  const { byKind, problems, idle } = found;
  const ignoresRoles = readOptions(data[compareOptions], found);
  return { ignored: [...byKind.values(), ...(ignoresRoles ? [aggregatedRoles] : [])], problems, idle };
}

interface Found {
  /** By `group/Kind`. Argo CD: a setting of its own replaces what `resource.customizations` says of a kind. */
  byKind: Map<string, IgnoreDifference>;
  problems: string[];
  idle: string[];
}

/** `apps_Deployment`, `ConfigMap`, or `all` for every kind; Argo CD writes it as `apps/Deployment` from there on. */
function kindOf(text: string): string | undefined {
  if (text === 'all') return '*/*';
  const parts = text.split('_');
  return parts.length <= 2 && parts.every((part) => part !== '') ? parts.join('/') : undefined;
}

function readCustomizations(text: string | undefined, found: Found): void {
  if (!text?.trim()) return;
  const read = parse(customizations, text);
  if ('problem' in read) {
    found.problems.push(`${allCustomizations}: ${read.problem}`);
    return;
  }
  for (const [kind, customization] of Object.entries(read.value)) {
    const { ignoreDifferences, ...others } = customization ?? {};
    const key = `${allCustomizations}: ${kind}`;
    if (ignoreDifferences !== undefined && ignoreDifferences !== null)
      addRule(found, { key, kind, text: ignoreDifferences });
    for (const name of Object.keys(others)) found.idle.push(`${key}: ${name}`);
  }
}

function addRule({ byKind, problems, idle }: Found, { key, kind, text }: { key: string; kind: string; text: unknown }) {
  const read = parse(rule, text);
  if ('problem' in read) {
    problems.push(`${key}: ${read.problem}`);
    return;
  }
  const { jsonPointers, jqPathExpressions, managedFieldsManagers, ...others } = read.value;
  for (const name of Object.keys(others)) idle.push(`${key}: ${name}`);
  const expressions = jqPathExpressions ?? [];
  for (const expression of expressions.filter((one) => !parseJqPaths(one)))
    idle.push(`${key}: jqPathExpression ${expression}, which is not understood`);
  const slash = kind.indexOf('/');
  const matched = { group: kind.slice(0, Math.max(0, slash)), kind: kind.slice(slash + 1) };
  const lists = Object.entries({ jsonPointers, jqPathExpressions, managedFieldsManagers });
  byKind.set(kind, { ...matched, ...Object.fromEntries(lists.filter(([, list]) => list)) });
}

/** Whether the rules of aggregated ClusterRoles are ignored. */
function readOptions(text: string | undefined, { problems, idle }: Found): boolean {
  if (!text?.trim()) return false;
  const read = parse(options, text);
  if ('problem' in read) {
    problems.push(`${compareOptions}: ${read.problem}`);
    return false;
  }
  const { ignoreAggregatedRoles, ignoreResourceStatusField, ...others } = read.value;
  const status = ignoreResourceStatusField ?? 'all';
  if (status !== 'all')
    idle.push(`${compareOptions}: ignoreResourceStatusField: ${status}, as the status of no kind is compared`);
  for (const name of Object.keys(others)) idle.push(`${compareOptions}: ${name}`);
  return ignoreAggregatedRoles ?? false;
}

/** The value of a setting: YAML, or what YAML around it has read already. An empty one says nothing. */
function parse<T>(schema: z.ZodType<T>, given: unknown): { value: T } | { problem: string } {
  try {
    const value = typeof given === 'string' ? parseYaml(given) : given;
    const read = schema.safeParse(value ?? {});
    if (read.success) return { value: read.data };
    const [issue] = read.error.issues;
    return { problem: `${issue?.path.join('.') || 'the value'}: ${issue?.message ?? 'cannot be read'}` };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
