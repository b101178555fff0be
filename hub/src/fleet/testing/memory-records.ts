import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Fuse } from '../../store/testing/fuse.ts';
import type { Table } from '../records.ts';

export interface MemoryTable<T> extends Table<T> {
  /** Called after each change. */
  onChange(listener: (name: string, before: T | undefined, after: T | undefined) => void): Disposable;
}

/** The same table as a hub sees it that may be killed. */
export function throughFuse<T>(table: MemoryTable<T>, { write }: Fuse): MemoryTable<T> {
  return {
    ...table,
    put: async (...args) => {
      write();
      await table.put(...args);
    },
    delete: async (...args) => {
      write();
      await table.delete(...args);
    },
  };
}

/** A table of the fleet bucket without a server: revisions, compare-and-set, and a copy that is never behind. */
export function createMemoryTable<T>(): MemoryTable<T> {
  const entries = new Map<string, { value: string; revision: number }>();
  const listeners = new Set<(name: string, before: T | undefined, after: T | undefined) => void>();
  let revision = 0;
  const find = (name: string) => {
    const entry = entries.get(name);
    return entry && (JSON.parse(entry.value) as T);
  };
  const tell = (name: string, before: T | undefined) => {
    for (const listener of listeners) listener(name, before, find(name));
  };
  return {
    list: () => [...entries.keys()].flatMap((name) => find(name) ?? []),
    names: () => [...entries.keys()],
    find,
    read: async (name) => {
      const value = find(name);
      return value && { value, revision: entries.get(name)?.revision ?? 0 };
    },
    put: async (name, value, expectedRevision) => {
      if ((entries.get(name)?.revision ?? 0) !== expectedRevision)
        throw new FleetError('Conflict', `${name} was changed by somebody else meanwhile`, { retryable: true });
      const before = find(name);
      revision += 1;
      entries.set(name, { value: JSON.stringify(value), revision });
      tell(name, before);
    },
    delete: async (name, expectedRevision) => {
      if (expectedRevision !== undefined && entries.get(name)?.revision !== expectedRevision)
        throw new FleetError('Conflict', `${name} was changed by somebody else meanwhile`, { retryable: true });
      const before = find(name);
      entries.delete(name);
      tell(name, before);
    },
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}
