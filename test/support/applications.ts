// What a platform's API shows of Applications, in the few fields that tests read.
import { type EventuallyOptions, eventually } from './eventually.ts';
import type { Platform } from './platform.ts';

export interface ShownApplication {
  metadata: { name: string; annotations?: Record<string, string>; deletionTimestamp?: string };
  spec: { source?: { path?: string }; sources?: object[]; destination: object };
  status: {
    sync: { status: string; revision: string; revisions?: string[]; comparedTo?: object };
    health: { status: string; message?: string };
    sourceHydrator?: { currentOperation?: object; lastSuccessfulOperation?: object };
    sourceType?: string;
    sourceTypes?: string[];
    conditions?: { type: string; message: string }[];
    resources?: { kind: string; name: string; status: string; requiresPruning?: boolean; hook?: boolean }[];
    operationState?: { phase: string; message: string; startedAt: string; retryCount: number };
  };
  fleet?: { cluster?: string; stale?: boolean; observedAt?: string };
}

type Api = Pick<Platform, 'api'>;

export async function getApplication({ api }: Api, name: string): Promise<ShownApplication> {
  return await api('GET', `/api/v1/applications/${name}`);
}

/** All Applications, ordered by name. */
export async function listApplications({ api }: Api): Promise<ShownApplication[]> {
  const { items } = await api<{ items: ShownApplication[] | null }>('GET', '/api/v1/applications');
  return items ?? [];
}

/** Waits until exactly these Applications are there, each Synced and Healthy (at `revision`, when it is given). */
export async function whenSettled(
  platform: Api,
  target: { names: readonly string[]; revision?: string },
  options: EventuallyOptions = {},
): Promise<ShownApplication[]> {
  const wanted = [...target.names].sort().join(' ');
  return await eventually(
    async () => {
      const applications = await listApplications(platform);
      const names = applications.map(({ metadata }) => metadata.name).sort();
      if (names.join(' ') !== wanted) throw new Error(`there are the Applications ${names.join(' ')}, not ${wanted}`);
      const waiting = applications.filter((application) => !isSettled(application, target.revision));
      if (waiting.length > 0) throw new Error(`not settled: ${waiting.map(describe).join('; ')}`);
      return applications;
    },
    { timeoutMs: 60_000, intervalMs: 100, ...options },
  );
}

function isSettled({ status, fleet }: ShownApplication, revision: string | undefined): boolean {
  const { sync, health } = status;
  if (sync.status !== 'Synced' || health.status !== 'Healthy' || fleet?.stale) return false;
  return revision === undefined || sync.revision === revision;
}

function describe({ metadata, status }: ShownApplication): string {
  const { sync, health, conditions = [], operationState } = status;
  const reasons = [health.message, operationState?.message, ...conditions.map(({ message }) => message)];
  const at = sync.revision.slice(0, 7);
  return `${metadata.name} ${sync.status} ${health.status} at ${at} ${reasons.filter(Boolean).join(', ').slice(0, 400)}`;
}

/** The messages of an Application's conditions of one type, or of all. */
export function messagesOf({ status }: ShownApplication, type?: string): string[] {
  return (status.conditions ?? []).filter((one) => type === undefined || one.type === type).map((one) => one.message);
}
