/** What was made of a list, each input beside its output. */
export interface Aligned<K, T> {
  inputs: readonly K[];
  outputs: readonly T[];
}

interface Comparison {
  /** `inputs[index]` was at `at`. */
  same(index: number, at: number): void;
  /** It is new, or was elsewhere. */
  added(index: number): void;
  /** What was at `at` is gone, or is elsewhere. */
  dropped(at: number): void;
}

/**
 * Goes through two lists side by side (`===`). Finds its way again behind one element that was put in, left out or
 * replaced; what is moved further counts as dropped and added.
 */
function compareLists<K>(known: readonly K[], inputs: readonly K[], comparison: Comparison): void {
  let at = 0;
  for (let index = 0; index < inputs.length; index += 1) {
    const input = inputs[index];
    const isBehind = at < known.length && input !== known[at];
    if (isBehind && (input === known[at + 1] || (index + 1 < inputs.length && inputs[index + 1] === known[at + 1]))) {
      comparison.dropped(at);
      at += 1;
    }
    if (at < known.length && input === known[at]) {
      comparison.same(index, at);
      at += 1;
    } else comparison.added(index);
  }
  for (; at < known.length; at += 1) comparison.dropped(at);
}

/** Misses that are taken for new inputs before the list is searched for inputs that moved. */
const maxMisses = 2_000;

/** `make` of each input, taken from `before` where that had the same input; of few that moved it is made again. */
export function align<K, T>(
  before: Aligned<K, T> | undefined,
  inputs: readonly K[],
  make: (input: K) => T,
): Aligned<K, T> {
  if (before === undefined) return { inputs, outputs: inputs.map(make) };
  const outputs: T[] = [];
  let moved: Map<K, T> | undefined;
  let misses = 0;
  compareLists(before.inputs, inputs, {
    same: (index, at) => {
      outputs[index] = before.outputs[at] as T;
    },
    added: (index) => {
      const input = inputs[index] as K;
      misses += 1;
      if (misses > maxMisses) moved ??= new Map(before.inputs.map((one, at) => [one, before.outputs[at] as T]));
      outputs[index] = moved?.has(input) ? (moved.get(input) as T) : make(input);
    },
    dropped: () => undefined,
  });
  return { inputs, outputs };
}

/** Counts the names of a list that changes little from time to time. */
export interface Tally<K> {
  /** Names that occur more than once in `inputs`. */
  repeated(inputs: readonly K[]): ReadonlySet<string>;
}

export function createTally<K>(nameOf: (input: K) => string): Tally<K> {
  const counts = new Map<string, number>();
  const repeated = new Set<string>();
  let known: readonly K[] = [];
  const count = (input: K, by: 1 | -1) => {
    const name = nameOf(input);
    const next = (counts.get(name) ?? 0) + by;
    if (next > 1) repeated.add(name);
    else repeated.delete(name);
    if (next === 0) counts.delete(name);
    else counts.set(name, next);
  };
  return {
    repeated: (inputs) => {
      compareLists(known, inputs, {
        same: () => undefined,
        added: (index) => count(inputs[index] as K, 1),
        dropped: (at) => count(known[at] as K, -1),
      });
      known = inputs;
      return repeated;
    },
  };
}
