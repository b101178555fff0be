/**
 * What listeners were told of, so that the stream and the list agree at every moment: an Application that is deleted is
 * MODIFIED as long as its cluster has not confirmed, and DELETED only when the list has it no more.
 */
import type { ApplicationView } from './view.ts';

export interface ViewChange {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  view: ApplicationView;
}

export interface ToldDeps {
  /** Of everything that the list has. */
  ids(): readonly string[];
  /** Undefined for what the list does not have. */
  view(id: string): ApplicationView | undefined;
}

export interface Told {
  /** Whether anybody listens; where nobody does, nothing is worked out. */
  isHeard(): boolean;
  /** Something about this Application changed; `last` is how it was, for when it is gone. */
  tell(id: string, last?: () => ApplicationView | undefined): void;
  onChange(listener: (change: ViewChange) => void): Disposable;
}

export function createTold({ ids, view }: ToldDeps): Told {
  const listeners = new Set<(change: ViewChange) => void>();
  let known = new Set<string>();
  const emit = (type: ViewChange['type'], shown: ApplicationView | undefined) => {
    if (shown) for (const listener of listeners) listener({ type, view: shown });
  };
  return {
    isHeard: () => listeners.size > 0,
    tell: (id, last) => {
      if (listeners.size === 0) return;
      const shown = view(id);
      const wasKnown = known.has(id);
      if (shown) {
        known.add(id);
        emit(wasKnown ? 'MODIFIED' : 'ADDED', shown);
      } else if (known.delete(id)) emit('DELETED', last?.());
    },
    onChange: (listener) => {
      if (listeners.size === 0) known = new Set(ids());
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}
