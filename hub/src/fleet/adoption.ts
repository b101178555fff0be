/**
 * What happens after the hub lost its store, or an older copy of it came back: clusters show what they hold, the hub takes
 * it over, and whatever nothing explains stays as it is until a person says what becomes of it.
 * It never deletes by itself, and it takes nothing over that this hub did not sign.
 */
import { createLimit } from '@wheelhouse/shared/async/limit';
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import type { Withdrawal } from '../store/additions.ts';
import { adoptedApplication } from './adopted-application.ts';
import { findCluster } from './former-names.ts';
import type { AdoptedApplication, AdoptedRecord, FleetRecords, StoreRecord } from './records.ts';
import { storeKey } from './store-identity.ts';
import { noteProblem, type TakeOverDeps, takeOver } from './take-over.ts';

export interface AdoptionView {
  /** Whether clusters that the hub does not know are taken over. */
  state: 'Open' | 'Closed';
  openedAt?: string;
  by?: string;
  reason?: string;
  closedAt?: string;
  closedBy?: string;
  /** Clusters that speak with valid credentials and that the hub does not know. */
  unknown: string[];
  /** Clusters of which something was taken over, could not be, or runs without explanation. */
  clusters: AdoptedRecord[];
}

export interface ReleaseRequest {
  cluster: string;
  /** Application ids; all that nothing explains when absent. */
  apps?: readonly string[] | undefined;
  /** keep: the cluster forgets the Application and leaves its resources; remove: they are deleted. */
  action: 'keep' | 'remove';
  by: string;
  reason: string;
  /** How many are expected to be removed: needed beyond the budget. */
  confirm?: number | undefined;
}

export interface Adoption {
  /** Call it with each heartbeat, on one replica. */
  onHeartbeat(cluster: string, heartbeat: Pick<Heartbeat, 'appliedGen'>): void;
  /** Remembers which assigned Applications nothing explains. */
  setUnexplained(cluster: string, apps: readonly AdoptedApplication[]): Promise<void>;
  view(): AdoptionView;
  /** Since this replica started. */
  outcomes(): Record<'adopted' | 'failed', number>;
  /** Application ids that nothing explains, with the cluster that runs them; of one that several run, the first. */
  applications(): ReadonlyMap<string, AdoptedApplication & { cluster: string }>;
  onChange(listener: () => void): Disposable;
  /** From now on clusters that the hub does not know are taken over. */
  open(author: { by: string; reason: string }): Promise<AdoptionView>;
  close(by: string): Promise<AdoptionView>;
  /** Lets go of Applications that nothing explains. Returns them. Throws NotFound, DeletionHeld. */
  release(request: ReleaseRequest): Promise<AdoptedApplication[]>;
}

export interface AdoptionDeps extends TakeOverDeps {
  records: Pick<FleetRecords, 'clusters' | 'adopted' | 'store' | 'onAdoptedChange'>;
  /** Clusters that spoke in the last minutes, known or not. */
  heard(): Iterable<string>;
  /** Something about the cluster's assignment may have changed. */
  onTakenOver(cluster: string): void;
}

const parallel = 16;
/** As the budget of an ApplicationSet: this many at once, or this share, may go without being counted out. */
const budget = { count: 10, percent: 20, always: 3 };

export function createAdoption(deps: AdoptionDeps, signal: AbortSignal): Adoption {
  const { records } = deps;
  const underway = new Set<string>();
  const limit = createLimit(parallel);
  const outcomes = { adopted: 0, failed: 0 };
  const run = async (cluster: string, gen: number) => {
    try {
      await takeOver({ cluster, gen }, deps, signal);
      outcomes.adopted += 1;
      deps.onTakenOver(cluster);
    } catch (error) {
      if (signal.aborted) return;
      // another replica was faster
      if (isFleetError(error, 'Conflict')) return;
      outcomes.failed += 1;
      deps.logger.error(
        { err: error, cluster, gen },
        'cannot take over what a cluster holds; its next heartbeat tries again',
      );
      await noteProblem(cluster, error, deps);
    }
  };
  const store = (): StoreRecord | undefined => records.store.find(storeKey);
  const view = (): AdoptionView => ({
    state: isOpen(store()) ? 'Open' : 'Closed',
    ...store()?.adoption,
    unknown: [...deps.heard()].filter((cluster) => !findCluster(records, cluster)).sort(),
    clusters: records.adopted.list().sort((a, b) => (a.cluster < b.cluster ? -1 : 1)),
  });
  return {
    onHeartbeat: (cluster, { appliedGen }) => {
      const isKnown = findCluster(records, cluster) !== undefined;
      const isBehind = appliedGen > (deps.head(cluster)?.gen ?? 0);
      if (underway.has(cluster) || !(isKnown ? isBehind : appliedGen > 0 && isOpen(store()))) return;
      underway.add(cluster);
      void limit(async () => await run(cluster, appliedGen))
        .catch((error: unknown) => deps.logger.error({ err: error, cluster }, 'cannot remember a problem'))
        .finally(() => underway.delete(cluster));
    },
    setUnexplained: async (cluster, apps) => await setUnexplained(cluster, apps, records),
    view,
    outcomes: () => ({ ...outcomes }),
    applications: createIndex(records, signal),
    onChange: (listener) => records.onAdoptedChange(listener),
    open: async (author) => {
      await openByHand(author, deps);
      return view();
    },
    close: async (by) => {
      await closeByHand(by, deps);
      return view();
    },
    release: async (request) => await release(request, deps),
  };
}

function createIndex(
  records: AdoptionDeps['records'],
  signal: AbortSignal,
): () => ReadonlyMap<string, AdoptedApplication & { cluster: string }> {
  let index: Map<string, AdoptedApplication & { cluster: string }> | undefined;
  const subscription = records.onAdoptedChange(() => {
    index = undefined;
  });
  signal.addEventListener('abort', () => subscription[Symbol.dispose]());
  const entries = () =>
    records.adopted
      .list()
      .sort((a, b) => (a.cluster < b.cluster ? 1 : -1))
      .flatMap(({ cluster, unexplained }) => unexplained.map((one) => [one.app, { ...one, cluster }] as const));
  return () => (index ??= new Map(entries()));
}

function isOpen(store: StoreRecord | undefined): boolean {
  return store?.adoption !== undefined && store.adoption.closedAt === undefined;
}

async function openByHand({ by, reason }: { by: string; reason: string }, deps: AdoptionDeps): Promise<void> {
  const openedAt = deps.now().toISOString();
  const adoption = { openedAt, by, reason: reason || 'no reason given' };
  await editStore(deps, (record) => ({ ...record, adoption }));
  await deps.audit.append({ by, action: 'open adoption', object: 'fleet', details: { reason } });
}

async function closeByHand(by: string, deps: AdoptionDeps): Promise<void> {
  const closed = { closedAt: deps.now().toISOString(), closedBy: by };
  await editStore(deps, ({ adoption, ...record }) => ({
    ...record,
    ...(adoption ? { adoption: { ...adoption, ...closed } } : {}),
  }));
  await deps.audit.append({ by, action: 'close adoption', object: 'fleet' });
}

async function editStore(
  { records }: Pick<AdoptionDeps, 'records'>,
  edit: (record: StoreRecord) => StoreRecord,
): Promise<void> {
  const stored = await records.store.read(storeKey);
  if (!stored) throw new FleetError('Internal', 'the store does not say which one it is; restart the hub');
  await records.store.put(storeKey, edit(stored.value), stored.revision);
}

async function setUnexplained(
  cluster: string,
  apps: readonly AdoptedApplication[],
  records: Pick<AdoptionDeps['records'], 'adopted'>,
): Promise<void> {
  const unexplained = apps
    .map(({ app, ns, project, revision, bundle }) => ({ app, ns, project, revision, bundle }))
    .sort((a, b) => (a.app < b.app ? -1 : 1));
  const isSame = (known: AdoptedRecord | undefined) =>
    JSON.stringify(known?.unexplained ?? []) === JSON.stringify(unexplained);
  if (isSame(records.adopted.find(cluster))) return;
  const stored = await records.adopted.read(cluster);
  if (isSame(stored?.value)) return;
  await records.adopted.put(cluster, { ...(stored?.value ?? { cluster }), unexplained }, stored?.revision ?? 0);
}

async function release(request: ReleaseRequest, deps: AdoptionDeps): Promise<AdoptedApplication[]> {
  const { cluster, action, by, reason } = request;
  const chosen = chooseReleased(request, deps.records.adopted.find(cluster));
  if (action === 'remove') assertWithinBudget(request, chosen.apps.length, chosen.total);
  const at = deps.now().toISOString();
  const withdrawals: Withdrawal[] = chosen.apps.map((app) => ({
    app: app.app,
    cluster,
    reason: reason || `nothing explains it (${action})`,
    cascade: action === 'remove',
    by,
    at,
    after: deps.head(cluster)?.gen ?? 0,
    application: adoptedApplication(app, cluster),
  }));
  await deps.additions.putWithdrawals(withdrawals);
  const details = { apps: chosen.apps.map(({ app }) => app), action, reason };
  await deps.audit.append({ by, action: 'release adopted applications', object: cluster, details });
  return chosen.apps;
}

function chooseReleased(
  { cluster, apps }: ReleaseRequest,
  adopted: AdoptedRecord | undefined,
): { apps: AdoptedApplication[]; total: number } {
  const unexplained = adopted?.unexplained ?? [];
  const wanted = new Set(apps ?? unexplained.map(({ app }) => app));
  const chosen = unexplained.filter(({ app }) => wanted.has(app));
  for (const { app } of chosen) wanted.delete(app);
  const [missing] = wanted;
  if (missing !== undefined || chosen.length === 0)
    throw new FleetError(
      'NotFound',
      `cluster ${cluster} holds no adopted application${missing === undefined ? '' : ` ${missing}`}; see 'wheelhouse hub adoption'`,
    );
  return { apps: chosen, total: unexplained.length };
}

function assertWithinBudget({ cluster, confirm }: ReleaseRequest, removed: number, total: number): void {
  const isWithin = removed <= budget.always || (removed <= budget.count && removed * 100 <= total * budget.percent);
  if (isWithin || confirm === removed) return;
  throw new FleetError(
    'DeletionHeld',
    `this would remove ${removed} of the ${total} adopted applications of ${cluster} with their resources, beyond the budget of ${budget.count} and ${budget.percent}%: say --confirm ${removed} (API: confirm) if all of them shall go`,
    { details: { removed, total } },
  );
}
