import type { RenderRecord } from '../render/render.ts';
import { locationText, type SourceLocation } from '../source/location.ts';

interface Outcome {
  requestKey: string;
  record?: RenderRecord;
}

/** Which render requests read something besides their own sources, by where they read it. */
export interface ReaderIndex {
  replace(change: { before: Outcome | undefined; after: Outcome | undefined }): void;
  of(location: SourceLocation): string[];
}

export function createReaderIndex(): ReaderIndex {
  const readers = new Map<string, Set<string>>();
  const update = (outcome: Outcome | undefined, act: (keys: Set<string>, key: string) => void) => {
    for (const location of readBesides(outcome?.record)) {
      const place = locationText(location);
      const keys = readers.get(place) ?? new Set();
      act(keys, outcome?.requestKey ?? '');
      if (keys.size === 0) readers.delete(place);
      else readers.set(place, keys);
    }
  };
  return {
    replace: ({ before, after }) => {
      update(before, (keys, key) => keys.delete(key));
      update(after, (keys, key) => keys.add(key));
    },
    of: (location) => [...(readers.get(locationText(location)) ?? [])],
  };
}

/** Where a render read besides its own sources, each place once. */
export function readBesides(record: RenderRecord | undefined): SourceLocation[] {
  const found = new Map<string, SourceLocation>();
  for (const { inputs } of record?.parts ?? [])
    for (const { from } of inputs) if (from) found.set(locationText(from), from);
  return [...found.values()];
}
