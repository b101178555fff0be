import { locationText, type SourceLocation } from './location.ts';

/** Who reads which location, by the reader's id. A location that nobody reads any more is not in it. */
export interface LocationIndex {
  readersOf(location: SourceLocation): Iterable<string>;
  locations(): SourceLocation[];
  add(location: SourceLocation, reader: string): void;
  remove(location: SourceLocation, reader: string): void;
}

export function createLocationIndex(): LocationIndex {
  const entries = new Map<string, { location: SourceLocation; readers: Set<string> }>();
  return {
    readersOf: (location) => entries.get(locationText(location))?.readers ?? [],
    locations: () => [...entries.values()].map(({ location }) => location),
    add: (location, reader) => {
      const text = locationText(location);
      const entry = entries.get(text);
      if (entry) entry.readers.add(reader);
      else entries.set(text, { location, readers: new Set([reader]) });
    },
    remove: (location, reader) => {
      const text = locationText(location);
      const entry = entries.get(text);
      entry?.readers.delete(reader);
      if (entry?.readers.size === 0) entries.delete(text);
    },
  };
}
