import { formatRef } from '@wheelhouse/shared/kube/object';
import type { LiveEntry } from '../watch/live-entry.ts';
import { type AppState, type SyncContext } from './app-state.ts';
import { isHook, isSkipped } from './hooks.ts';
import type { ResourceRecord } from './records.ts';
import type { DesiredResource, Target } from './target.ts';

/**
 * How one desired resource stands, without asking the API server:
 * `synced`; `missing` from the cluster; `changed` in Git since it was applied; `drifted` in the cluster since then;
 * `unknown` when nothing is known to have been applied.
 */
export type Verdict = 'synced' | 'missing' | 'changed' | 'drifted' | 'unknown';

export interface Comparison {
  resource: DesiredResource;
  verdict: Verdict;
  live?: LiveEntry | undefined;
  record?: ResourceRecord | undefined;
  /** Another Application's tracking id is on it. */
  sharedWith?: string;
}

export interface Comparisons {
  resources: Comparison[];
  /** Ours by tracking id, and desired no longer. Argo CD: hooks, and what is annotated to be skipped, are not pruned. */
  extraneous: LiveEntry[];
}

export function compareApp(context: Pick<SyncContext, 'index'>, state: AppState, target: Target): Comparisons {
  return {
    resources: target.resources.map((resource) => compareResource(context, state, resource)),
    extraneous: context.index
      .ownedBy(state.app)
      .filter(
        (entry) =>
          !target.keys.has(formatRef(entry.ref)) && !isHook(entry.annotations) && !isSkipped(entry.annotations),
      ),
  };
}

export function compareResource(
  { index }: Pick<SyncContext, 'index'>,
  state: AppState,
  resource: DesiredResource,
): Comparison {
  const live = index.find(resource.liveKey);
  const record = state.record.resources[resource.key];
  const verdict = judge({ resource, live, record, state });
  if (live?.owner === undefined || live.owner === state.app) return { resource, verdict, live, record };
  return { resource, verdict: verdict === 'synced' ? 'drifted' : verdict, live, record, sharedWith: live.owner };
}

interface Judged {
  resource: DesiredResource;
  live: LiveEntry | undefined;
  record: ResourceRecord | undefined;
  state: AppState;
}

function judge({ resource, live, record, state }: Judged): Verdict {
  if (!live) return 'missing';
  if (!record || record.ref.version !== resource.ref.version) return 'unknown';
  if (record.ignore !== state.policy.ignore(resource.ref)?.digest) return 'unknown';
  if (record.manifest !== resource.digest) return 'changed';
  if (live.drifted === undefined) return 'unknown';
  return live.drifted ? 'drifted' : 'synced';
}

/** Whether a comparison that its resource differs still holds: neither manifest nor live object changed since. */
export function isKnownToDiffer(state: AppState, { resource, live }: Comparison): boolean {
  const differs = state.resources.get(resource.key)?.differs;
  return differs?.manifest === resource.digest && differs.resourceVersion === live?.resourceVersion;
}
