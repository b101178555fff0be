/**
 * What people and parent Applications asked for: Application, ApplicationSet, AppProject, settings, repositories.
 * The truth is the KV bucket `spec`, written with compare-and-set; this is its copy in memory, by watch.
 * Credentials (Secrets) are sealed before they are stored. It never decides what a spec means.
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import { parseJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { formatYaml } from '@wheelhouse/shared/kube/yaml';
import type { Bucket, BucketChange } from './bucket.ts';
import type { Seal } from './seal.ts';

export interface StoredSpec<R extends KubeObject = KubeObject> {
  resource: R;
  /** The text it came from, comments and all. */
  yaml: string;
  /** For compare-and-set. */
  revision: number;
  /** RFC 3339. */
  updatedAt: string;
  by: string;
  /** Application id of the parent, for what an App of Apps created. */
  owner?: string;
  warnings: string[];
  /** Set while it is being deleted step by step: until then it stays as it was, and takes no change. */
  deleting?: Deletion;
}

/** How far a deletion in steps is, and on whose behalf it goes on. */
export interface Deletion {
  by: string;
  reason: string;
  /** RFC 3339. */
  at: string;
  /** Overrides the finalizers of what is withdrawn. */
  cascade?: boolean;
  /** Step that was withdrawn last, from 0; absent before the first. */
  step?: number;
  /** Somebody asked not to wait for steps any more. */
  allAtOnce?: boolean;
}

export interface SpecChange {
  kind: string;
  before: StoredSpec | undefined;
  after: StoredSpec | undefined;
}

export interface PutOptions {
  by: string;
  yaml?: string;
  owner?: string;
  warnings?: string[];
  /** Revision that the caller has seen; 0: must not exist yet. */
  expectedRevision?: number;
}

export interface SpecStore {
  /** Of one kind, or of every kind. */
  list(kind?: string): StoredSpec[];
  find(kind: string, namespace: string, name: string): StoredSpec | undefined;
  /**
   * Writes unless nothing changed; returns once this replica's copy has it. Throws Conflict when somebody else was faster, and
   * for what is being deleted.
   */
  put(resource: KubeObject, options: PutOptions): Promise<StoredSpec>;
  /** Records how far the deletion of a spec is, and nothing else. Throws Conflict when somebody else was faster. */
  markDeleting(spec: StoredSpec, deleting: Deletion): Promise<StoredSpec>;
  /** Throws Conflict when it is not of the revision that the caller has seen any more. */
  delete(kind: string, namespace: string, name: string, expectedRevision?: number): Promise<void>;
  onChange(listener: (change: SpecChange) => void): Disposable;
}

type StoredValue = Omit<StoredSpec, 'revision'>;

export async function createSpecStore(deps: { bucket: Bucket; seal: Seal; now: () => Date }): Promise<SpecStore> {
  const { bucket, seal, now } = deps;
  const kinds = new Map<string, Map<string, StoredSpec>>();
  const listeners = new Set<(change: SpecChange) => void>();
  // only what is stored makes a table: callers ask for whatever kind they like
  const specsOf = (kind: string): ReadonlyMap<string, StoredSpec> => kinds.get(kind) ?? new Map<string, StoredSpec>();

  const write = async (key: string, value: StoredValue, expected: number): Promise<StoredSpec> => {
    const plain = Buffer.from(canonicalJson(value));
    const revision = await bucket.put(key, isSealed(parseKey(key)[0]) ? seal.seal(plain) : plain, expected);
    await bucket.caughtUp(revision);
    return { ...value, revision };
  };

  await bucket.watchAll((entry) => {
    const [kind, key] = parseKey(entry.key);
    const specs = kinds.get(kind) ?? new Map<string, StoredSpec>();
    kinds.set(kind, specs);
    const before = specs.get(key);
    const after = parseEntry(entry, kind, seal);
    if (after) specs.set(key, after);
    else specs.delete(key);
    for (const listener of listeners)
      listener({ kind: after?.resource.kind ?? before?.resource.kind ?? kind, before, after });
  });

  return {
    list: (kind) => {
      const tables = kind === undefined ? [...kinds.values()] : [specsOf(kind.toLowerCase())];
      return tables.flatMap((table) => [...table.values()]);
    },
    find: (kind, namespace, name) => specsOf(kind.toLowerCase()).get(`${namespace}.${name}`),
    put: async (resource, options) => {
      const key = formatKey(resource.kind, namespaceOf(resource), nameOf(resource));
      const [kind, specKey] = parseKey(key);
      const before = specsOf(kind).get(specKey);
      if (before?.deleting) throw beingDeleted(before);
      if (before && isSame(before, resource, options)) return before;
      const expected = options.expectedRevision ?? before?.revision ?? 0;
      return await write(key, formatValue(resource, options, now()), expected);
    },
    markDeleting: async ({ revision, ...value }, deleting) => {
      const { kind } = value.resource;
      const key = formatKey(kind, namespaceOf(value.resource), nameOf(value.resource));
      return await write(key, { ...value, deleting }, revision);
    },
    delete: async (...[kind, namespace, name, expectedRevision]) =>
      await bucket.delete(formatKey(kind, namespace, name), expectedRevision),
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

function isSame(before: StoredSpec, resource: KubeObject, options: PutOptions): boolean {
  return before.owner === options.owner && canonicalJson(before.resource) === canonicalJson(resource);
}

/** Whoever writes what is on its way out would be told that it is there, and then see it go. */
export function beingDeleted({ resource, deleting }: StoredSpec): FleetError {
  const [namespace, name] = [namespaceOf(resource), nameOf(resource)];
  const text = namespace === 'argocd' ? name : `${namespace}/${name}`;
  const asked = deleting ? ` since ${deleting.at}, by ${deleting.by}` : '';
  return new FleetError(
    'Conflict',
    `${resource.kind} ${namespace}/${name} is being deleted${asked}: write it again once it is gone ('wheelhouse appset get ${text}' says what that waits for, 'wheelhouse appset delete ${text} --all-at-once' does not wait)`,
  );
}

function formatValue(resource: KubeObject, options: PutOptions, at: Date): StoredValue {
  const { by, yaml = formatYaml(resource), warnings = [], owner } = options;
  return { resource, yaml, updatedAt: at.toISOString(), by, warnings, ...(owner === undefined ? {} : { owner }) };
}

export function namespaceOf(resource: KubeObject): string {
  return resource.metadata.namespace ?? 'argocd';
}

export function nameOf(resource: KubeObject): string {
  if (!resource.metadata.name)
    throw new FleetError('Invalid', `a ${resource.kind} without metadata.name cannot be stored: give it a name`);
  return resource.metadata.name;
}

/** Names of Kubernetes objects hold letters, digits, `-` and `.`, all of which a KV key may hold; some hold `:`, written `=3A`. */
function formatKey(kind: string, namespace: string, name: string): string {
  return `${kind.toLowerCase()}.${namespace}.${name.replaceAll(':', '=3A')}`;
}

function parseKey(key: string): [kind: string, key: string] {
  const dot = key.indexOf('.');
  return [key.slice(0, dot), key.slice(dot + 1).replaceAll('=3A', ':')];
}

function parseEntry(entry: BucketChange, kind: string, seal: Seal): StoredSpec | undefined {
  if (!entry.value) return undefined;
  const plain = isSealed(kind) ? seal.open(entry.value) : Buffer.from(entry.value);
  return { ...(parseJson(plain.toString()) as StoredValue), revision: entry.revision };
}

function isSealed(kind: string): boolean {
  return kind === 'secret';
}
