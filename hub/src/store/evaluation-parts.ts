/**
 * How evaluations are stored: a small set whole in one entry; a large one as a head, and its Applications in parts by
 * cluster and source, so that a change of one cluster or one directory writes a few parts and not everything. Parts that
 * did not change keep their objects in memory. Parts are written before the head that counts them; one that is newer
 * than its head only shows some Applications earlier, because what an evaluation removes is a withdrawal of its own.
 */

import { createHash } from 'node:crypto';
import type { Application } from '@wheelhouse/shared/resources/application';
import { sourcesOf } from '@wheelhouse/shared/resources/application-sources';
import type { StoredEvaluation } from './derived.ts';
import { packJson, unpackJson } from './packed-json.ts';

type Head = Omit<StoredEvaluation, 'applications'> & {
  applications?: Application[];
  /** Parts lie in a square of this many rows, of which these are not empty. */
  parts?: { side: number; indexes: number[] };
};

export interface PackedEvaluation {
  /** To write first, by key below the set's. */
  parts: Map<string, Uint8Array>;
  head: Uint8Array;
  /** To delete last. */
  obsolete: string[];
}

export interface EvaluationParts {
  /** Key of a part in the bucket, without its prefix: `NAMESPACE.NAME/PART`. */
  pack(key: string, evaluation: StoredEvaluation): PackedEvaluation;
  /** Keys of a set's parts as they are stored. */
  keysOf(key: string): string[];
  /** A part came or went. The evaluation that is whole by it, if its head was waiting. */
  onPart(key: string, value: Uint8Array | undefined): StoredEvaluation | undefined;
  /** A head came or went. Undefined when it is gone, or as long as parts of it are missing. */
  onHead(key: string, value: Uint8Array | undefined): StoredEvaluation | undefined;
}

/** Up to this many Applications are stored whole. */
const maxWhole = 256;
/** Sides of the square: about 80 Applications a part in the usual shapes. */
const sides = [
  { side: 8, upTo: 20_000 },
  { side: 32, upTo: Infinity },
];

interface Placed {
  side: number;
  applications: Map<number, Application[]>;
}

export function createEvaluationParts(): EvaluationParts {
  const parts = new Map<string, Application[]>();
  /** What this replica wrote and the watch has not brought back yet. */
  const own = new Map<string, { value: Uint8Array; applications: Application[] }>();
  const heads = new Map<string, { head: Head; isWhole: boolean }>();
  const places = new WeakMap<Application, { side: number; index: number }>();
  const indexOf = (application: Application, side: number): number => {
    const known = places.get(application);
    if (known?.side === side) return known.index;
    const index = placeOf(application, side);
    places.set(application, { side, index });
    return index;
  };
  const assemble = (key: string): StoredEvaluation | undefined => {
    const entry = heads.get(key);
    if (!entry) return undefined;
    const { parts: layout, ...head } = entry.head;
    if (!layout) return head as StoredEvaluation;
    const found = layout.indexes.map((index) => parts.get(partKey(key, layout.side, index)));
    entry.isWhole = found.every((part) => part !== undefined);
    return entry.isWhole ? { ...head, applications: found.flatMap((part) => part ?? []) } : undefined;
  };
  return {
    pack: (key, evaluation) => {
      const before = heads.get(key)?.head.parts;
      const { applications, ...rest } = evaluation;
      const side = sideFor(applications.length, before?.side);
      if (side === 0) return { parts: new Map(), head: packJson(evaluation), obsolete: keysOf(key, before) };
      const placed = place(applications, side, indexOf);
      const layout = { side, indexes: [...placed.applications.keys()].sort((a, b) => a - b) };
      const changed = new Map<string, Uint8Array>();
      for (const [index, some] of placed.applications) {
        const name = partKey(key, side, index);
        if (isSame(parts.get(name), some)) continue;
        const value = packJson(some);
        own.set(name, { value, applications: some });
        changed.set(name, value);
      }
      const kept = new Set(keysOf(key, layout));
      const obsolete = keysOf(key, before).filter((name) => !kept.has(name));
      return { parts: changed, head: packJson({ ...rest, parts: layout }), obsolete };
    },
    keysOf: (key) => keysOf(key, heads.get(key)?.head.parts),
    onPart: (name, value) => {
      const mine = own.get(name);
      own.delete(name);
      if (!value) parts.delete(name);
      else if (mine && Buffer.compare(mine.value, value) === 0) parts.set(name, mine.applications);
      else parts.set(name, unpackJson(value) as Application[]);
      const key = name.slice(0, name.indexOf('/'));
      return heads.get(key)?.isWhole === false ? assemble(key) : undefined;
    },
    onHead: (key, value) => {
      if (value) heads.set(key, { head: unpackJson(value) as Head, isWhole: true });
      else heads.delete(key);
      return assemble(key);
    },
  };
}

/** A set near a limit does not go back and forth. */
function sideFor(count: number, present: number | undefined): number {
  if (count <= (present ? maxWhole / 2 : maxWhole)) return 0;
  const fits = sides.find(({ upTo }) => count <= upTo)?.side ?? 0;
  const current = sides.find(({ side }) => side === present);
  return current && current.side > fits && count > 10_000 ? current.side : fits;
}

function place(
  applications: readonly Application[],
  side: number,
  indexOf: (application: Application, side: number) => number,
): Placed {
  const placed = new Map<number, Application[]>();
  for (const application of applications) {
    const index = indexOf(application, side);
    const part = placed.get(index);
    if (part) part.push(application);
    else placed.set(index, [application]);
  }
  return { side, applications: placed };
}

/** Row by cluster, column by source: a change of either touches one row or one column. */
function placeOf({ metadata, spec }: Application, side: number): number {
  const { name, server } = spec.destination;
  const [source] = sourcesOf(spec);
  const column = source?.path ?? source?.chart ?? metadata.name;
  return hashOf(name ?? server ?? '', side) * side + hashOf(column, side);
}

function hashOf(text: string, side: number): number {
  return createHash('md5').update(text).digest().readUInt32LE(0) % side;
}

function isSame(known: readonly Application[] | undefined, some: readonly Application[]): boolean {
  return known?.length === some.length && some.every((application, index) => application === known[index]);
}

function partKey(key: string, side: number, index: number): string {
  return `${key}/${side}-${index}`;
}

function keysOf(key: string, layout: Head['parts']): string[] {
  return (layout?.indexes ?? []).map((index) => partKey(key, layout?.side ?? 0, index));
}
