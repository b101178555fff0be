import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { isDrifted } from '../diff/drift.ts';
import { liveKey } from '../watch/live-entry.ts';
import type { AppState } from './app-state.ts';
import type { ResourceRecord } from './records.ts';

/** What each live object is expected to say, by `liveKey`; the live index asks here. */
export interface Expectations {
  isDrifted(key: string, object: KubeObject): boolean | undefined;
  put(state: AppState, record: ResourceRecord): void;
  remove(record: ResourceRecord): void;
}

export function createExpectations(): Expectations {
  const known = new Map<string, { state: AppState; record: ResourceRecord }>();
  return {
    isDrifted(key, object) {
      const expected = known.get(key);
      if (!expected) return undefined;
      const { state, record } = expected;
      const rule = state.policy.ignore(record.ref);
      return record.ignore === rule?.digest ? isDrifted(object, record, rule) : undefined;
    },
    put: (state, record) => void known.set(liveKey(record.ref), { state, record }),
    remove: (record) => void known.delete(liveKey(record.ref)),
  };
}
