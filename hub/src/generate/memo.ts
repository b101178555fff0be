import { formatJson } from '@wheelhouse/shared/kube/json';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { LRUCache } from 'lru-cache';
import { type Aligned, align, createTally } from './align.ts';
import type { Parameters } from './generators/parameters.ts';

type Combine = (left: Parameters, right: Parameters) => Parameters;

/**
 * What one evaluation of a set leaves to the next: elements that are the same are the same object, and what was made of
 * them is used again. So a change costs what it touches. It never decides anything: without it every evaluation gives
 * the same, only later. (But for functions of time and chance: an element keeps what they gave it first.)
 */
export interface Memo {
  /** Begins an evaluation; elements that the one before did not yield are forgotten. */
  begin(): void;
  /** The same elements, each as the object that it was before if its content is the same. */
  intern(kind: string, elements: Parameters[]): Parameters[];
  /** `combine` of `left` with each of `rights`. */
  row(left: Parameters, rights: readonly Parameters[], combine: Combine): readonly Parameters[];
  /** `make` of each of `inputs`; `owner` tells lists apart, and each of them is asked for once an evaluation. */
  list<K, T>(owner: object, inputs: readonly K[], make: (input: K) => T): readonly T[];
  /** Names that more than one of the set's Applications has. */
  repeatedNames(applications: readonly Application[]): ReadonlySet<string>;
  /** What `make` gave for this object before, or gives now; results of different owners are kept apart. */
  made<K extends object, T>(owner: object, key: K, make: (key: K) => T): T;
  /** Whether two Applications have the same content; found out once for each pair. */
  isSame(fresh: Application, stored: Application): boolean;
  /** That of the same set as some of its Applications see clusters. */
  layer(name: string): Memo;
}

/** Selectors of Applications that see clusters otherwise are few. */
const maxLayers = 20;

export function createMemo(): Memo {
  let current = new Map<string, Parameters>();
  let previous = new Map<string, Parameters>();
  const made = new WeakMap<object, WeakMap<object, unknown>>();
  const lists = new WeakMap<object, Aligned<unknown, unknown>>();
  const tally = createTally<Application>(({ metadata }) => metadata.name);
  const equals = new WeakMap<Application, Application>();
  const layers = new LRUCache<string, Memo>({ max: maxLayers });
  const ofOwner = (owner: object) => {
    const known = made.get(owner);
    if (known) return known;
    const results = new WeakMap<object, unknown>();
    made.set(owner, results);
    return results;
  };
  return {
    begin: () => {
      previous = current;
      current = new Map();
    },
    intern: (kind, elements) =>
      elements.map((element) => {
        const key = `${kind} ${formatJson(element)}`;
        const known = current.get(key) ?? previous.get(key) ?? element;
        current.set(key, known);
        return known;
      }),
    row: (left, rights, combine) => {
      const rows = ofOwner(combine);
      const row = align(rows.get(left) as Aligned<Parameters, Parameters>, rights, (right) => combine(left, right));
      rows.set(left, row);
      return row.outputs;
    },
    list: <K, T>(owner: object, inputs: readonly K[], make: (input: K) => T) => {
      const list = align(lists.get(owner) as Aligned<K, T> | undefined, inputs, make);
      lists.set(owner, list);
      return list.outputs;
    },
    repeatedNames: tally.repeated,
    made: <K extends object, T>(owner: object, key: K, make: (key: K) => T) => {
      const results = ofOwner(owner);
      if (results.has(key)) return results.get(key) as T;
      const result = make(key);
      results.set(key, result);
      return result;
    },
    isSame: (fresh, stored) => {
      if (fresh === stored || equals.get(fresh) === stored) return true;
      if (formatJson(fresh) !== formatJson(stored)) return false;
      equals.set(fresh, stored);
      return true;
    },
    layer: (name) => {
      const known = layers.get(name) ?? createMemo();
      layers.set(name, known);
      return known;
    },
  };
}

/** The memos of a replica, by set; one that is evaluated in another version starts anew. */
export interface Memos {
  of(applicationSet: ApplicationSet): Memo;
}

/** Sets whose memo is kept; the Applications themselves are kept elsewhere, so a memo is small beside them. */
const maxSets = 2_000;

export function createMemos(): Memos {
  const memos = new LRUCache<string, { version: ApplicationSet; memo: Memo }>({ max: maxSets });
  return {
    of: (applicationSet) => {
      const key = `${applicationSet.metadata.namespace}/${applicationSet.metadata.name}`;
      const known = memos.get(key);
      if (known?.version === applicationSet) return known.memo;
      const memo = createMemo();
      memos.set(key, { version: applicationSet, memo });
      return memo;
    },
  };
}
