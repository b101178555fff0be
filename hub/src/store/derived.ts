/**
 * What follows from Git, specs and the inventory, kept so that no replica and no restart has to work it out again:
 * resolved revisions, renders, and the last good evaluation of each ApplicationSet.
 * The truth is elsewhere: the KV bucket `derived` may be deleted and comes back by itself.
 */
import { createHash } from 'node:crypto';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { RenderRecord, SourceType } from '../render/render.ts';
import { locationText, type SourceLocation } from '../source/location.ts';
import type { Bucket, BucketChange } from './bucket.ts';
import { createEvaluationParts, type EvaluationParts } from './evaluation-parts.ts';
import { packText, unpackJson } from './packed-json.ts';
import { createReaderIndex } from './reader-index.ts';

/** A problem as people see it: a condition's type and message. */
export interface Problem {
  code: string;
  message: string;
}

/** Which commit a repository's target revision stands for; of a chart, which version. */
export interface ResolvedRevision extends SourceLocation {
  /** Last commit (chart version, digest of an artifact) that was fetched; kept when a later fetch fails. */
  sha?: string;
  /** sha256 (hex) of a chart's archive. */
  digest?: string;
  author?: string;
  message?: string;
  committedAt?: string;
  problem?: Problem;
  traceparent?: string;
}

/** What kind of source lies at each path of a revision that an Application names without saying so itself. */
export interface Discovery extends SourceLocation {
  /** By path, as the Applications write it. */
  types: Record<string, SourceType>;
  /** Who overrides fields by files at a path: '' for everybody, else ids of Applications. Only paths where there are such files. */
  overrides?: Record<string, string[]>;
}

/** The outcome of one render request. After a failure the last good bundle stays. */
export interface RenderOutcome {
  requestKey: string;
  /** Of the last good render, one for each source of the Application: commit, or chart version. */
  revisions?: string[];
  /** The last good render. */
  record?: RenderRecord;
  /** What the bundle holds, for the project's permits. */
  kinds: { group: string; kind: string; namespaced: boolean; names: string[] }[];
  /** Digest of the bundle without the objects that belong to the hub (App of Apps), when there are such objects. */
  rest?: { digest: string; empty: boolean };
  warnings: string[];
  /** Data of Secrets are in the bundle: it does not go into documents. */
  holdsSecrets?: boolean;
  problem?: Problem;
  traceparent?: string;
}

/** The last good evaluation of an ApplicationSet, whole. */
export interface StoredEvaluation {
  namespace: string;
  name: string;
  applications: Application[];
  /** Applications that an evaluation would have removed, kept until a person decides. */
  held?: { applications: string[]; reason: string; since: string; fingerprint: string };
  /** Applications that are not generated any more, and that a person wants to stay. */
  rejected?: { applications: string[]; reason: string; by: string; at: string; fingerprint: string };
  errors: { application?: string; code: string; message: string }[];
  /** Why the newest evaluation failed, if it did; `applications` are then those of the last good one. */
  problem?: Problem;
  warnings: string[];
  reads: {
    repositories: { repoURL: string; revision: string }[];
    clusters: boolean;
    /** Settings and decisions on the hub, as `Kind/namespace/name`; `*` for any. */
    settings?: string[];
  };
  evaluatedAt: string;
  traceparent?: string;
}

export type DerivedChange =
  | { type: 'revision'; before: ResolvedRevision | undefined; after: ResolvedRevision | undefined }
  | { type: 'discovery'; before: Discovery | undefined; after: Discovery | undefined }
  | { type: 'render'; before: RenderOutcome | undefined; after: RenderOutcome | undefined }
  | { type: 'evaluation'; before: StoredEvaluation | undefined; after: StoredEvaluation | undefined };

export interface Derived {
  revision(location: SourceLocation): ResolvedRevision | undefined;
  revisions(): ResolvedRevision[];
  discovery(location: SourceLocation): Discovery | undefined;
  render(requestKey: string): RenderOutcome | undefined;
  renders(): RenderOutcome[];
  /** Keys of the requests whose last good render read something there besides their own sources. */
  readersOf(location: SourceLocation): string[];
  /** Every location that `readersOf` finds requests for. */
  readBesides(): SourceLocation[];
  evaluation(namespace: string, name: string): StoredEvaluation | undefined;
  evaluations(): StoredEvaluation[];
  putRevision(revision: ResolvedRevision): Promise<void>;
  putDiscovery(discovery: Discovery): Promise<void>;
  putRender(outcome: RenderOutcome): Promise<void>;
  putEvaluation(evaluation: StoredEvaluation): Promise<void>;
  deleteEvaluation(namespace: string, name: string): Promise<void>;
  /** With what was discovered at it. */
  deleteRevision(location: SourceLocation): Promise<void>;
  deleteRender(requestKey: string): Promise<void>;
  onChange(listener: (change: DerivedChange) => void): Disposable;
}

/** Identity of a location, fit for a key of a job or a bucket. */
export function revisionKey(location: SourceLocation): string {
  return keyOfText(locationText(location));
}

function keyOfText(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

export async function createDerived(bucket: Bucket): Promise<Derived> {
  const known = memoize(keyOfText);
  const keyOf = (location: SourceLocation) => known(locationText(location));
  const revisions = new Map<string, ResolvedRevision>();
  const discoveries = new Map<string, Discovery>();
  const renders = new Map<string, RenderOutcome>();
  const evaluations = new Map<string, StoredEvaluation>();
  const parts = createEvaluationParts();
  const listeners = new Set<(change: DerivedChange) => void>();
  const readers = createReaderIndex();

  await bucket.watchAll((entry) => {
    const change = keep(entry, { revisions, discoveries, renders, evaluations, parts });
    if (change?.type === 'render') readers.replace(change);
    if (change) for (const listener of listeners) listener(change);
  });

  const write = async (key: string, value: unknown) => {
    await bucket.caughtUp(await bucket.put(key, packText(canonicalJson(value))));
  };

  return {
    revision: (location) => revisions.get(keyOf(location)),
    revisions: () => [...revisions.values()],
    discovery: (location) => discoveries.get(keyOf(location)),
    render: (requestKey) => renders.get(requestKey),
    renders: () => [...renders.values()],
    readersOf: readers.of,
    readBesides: readers.locations,
    evaluation: (namespace, name) => evaluations.get(`${namespace}.${name}`),
    evaluations: () => [...evaluations.values()],
    putRevision: async (revision) => await write(`revision.${revisionKey(revision)}`, revision),
    putDiscovery: async (discovery) => await write(`discovery.${revisionKey(discovery)}`, discovery),
    putRender: async (outcome) => await write(`bundle.${outcome.requestKey}`, outcome),
    putEvaluation: async (evaluation) => await putEvaluation(evaluation, parts, bucket),
    deleteEvaluation: async (namespace, name) => {
      const obsolete = parts.keysOf(`${namespace}.${name}`);
      await bucket.delete(`evaluation.${namespace}.${name}`);
      await mapLimit(obsolete, atOnce, async (part) => await bucket.delete(`part.${part}`));
    },
    deleteRevision: async (location) => {
      const key = revisionKey(location);
      if (discoveries.has(key)) await bucket.delete(`discovery.${key}`);
      if (revisions.has(key)) await bucket.delete(`revision.${key}`);
    },
    deleteRender: async (requestKey) => {
      if (renders.has(requestKey)) await bucket.delete(`bundle.${requestKey}`);
    },
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** Parts written or deleted at the same time. */
const atOnce = 32;

async function putEvaluation(evaluation: StoredEvaluation, parts: EvaluationParts, bucket: Bucket): Promise<void> {
  const key = `${evaluation.namespace}.${evaluation.name}`;
  const packed = parts.pack(key, evaluation);
  await mapLimit([...packed.parts], atOnce, async ([part, value]) => await bucket.put(`part.${part}`, value));
  await bucket.caughtUp(await bucket.put(`evaluation.${key}`, packed.head));
  await mapLimit(packed.obsolete, atOnce, async (part) => await bucket.delete(`part.${part}`));
}

/** Views ask for the same few revisions again and again. Bounded: it begins anew at 10,000 entries. */
function memoize(make: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    if (known.size >= 10_000) known.clear();
    const made = make(text);
    known.set(text, made);
    return made;
  };
}

interface Tables {
  revisions: Map<string, ResolvedRevision>;
  discoveries: Map<string, Discovery>;
  renders: Map<string, RenderOutcome>;
  evaluations: Map<string, StoredEvaluation>;
  parts: EvaluationParts;
}

function keep(entry: BucketChange, tables: Tables): DerivedChange | undefined {
  const dot = entry.key.indexOf('.');
  const key = entry.key.slice(dot + 1);
  switch (entry.key.slice(0, dot)) {
    case 'revision':
      return { type: 'revision', ...replace(tables.revisions, key, parseValue<ResolvedRevision>(entry.value)) };
    case 'discovery':
      return { type: 'discovery', ...replace(tables.discoveries, key, parseValue<Discovery>(entry.value)) };
    case 'bundle':
      return { type: 'render', ...replace(tables.renders, key, parseValue<RenderOutcome>(entry.value)) };
    case 'evaluation':
      return keepEvaluation(tables, key, entry.value && { whole: tables.parts.onHead(key, entry.value) });
    case 'part': {
      const whole = tables.parts.onPart(key, entry.value);
      return whole && keepEvaluation(tables, `${whole.namespace}.${whole.name}`, { whole });
    }
    default:
      return undefined;
  }
}

/** One whose parts have not all come yet changes nothing. */
function keepEvaluation(
  { evaluations, parts }: Tables,
  key: string,
  after: { whole: StoredEvaluation | undefined } | undefined,
): DerivedChange | undefined {
  if (!after) parts.onHead(key, undefined);
  if (after && !after.whole) return undefined;
  return { type: 'evaluation', ...replace(evaluations, key, after?.whole) };
}

function replace<T>(
  table: Map<string, T>,
  key: string,
  after: T | undefined,
): { before: T | undefined; after: T | undefined } {
  const before = table.get(key);
  if (after === undefined) table.delete(key);
  else table.set(key, after);
  return { before, after };
}

function parseValue<T>(value: Uint8Array | undefined): T | undefined {
  return value && (unpackJson(value) as T);
}
