import type { RenderRecord } from '../render/render.ts';
import { locationText, type SourceLocation } from '../source/location.ts';
import { createLocationIndex, type LocationIndex } from '../source/location-index.ts';

interface Outcome {
  requestKey: string;
  record?: RenderRecord;
}

/** Which render requests read something besides their own sources, by where they read it. */
export interface ReaderIndex extends Pick<LocationIndex, 'locations'> {
  replace(change: { before: Outcome | undefined; after: Outcome | undefined }): void;
  of(location: SourceLocation): string[];
}

export function createReaderIndex(): ReaderIndex {
  const index = createLocationIndex();
  return {
    replace: ({ before, after }) => {
      for (const location of readBesides(before?.record)) index.remove(location, before?.requestKey ?? '');
      for (const location of readBesides(after?.record)) index.add(location, after?.requestKey ?? '');
    },
    of: (location) => [...index.readersOf(location)],
    locations: index.locations,
  };
}

/** Where a render read besides its own sources, each place once. */
export function readBesides(record: RenderRecord | undefined): SourceLocation[] {
  const found = new Map<string, SourceLocation>();
  for (const { inputs } of record?.parts ?? [])
    for (const { from } of inputs) if (from) found.set(locationText(from), from);
  return [...found.values()];
}
