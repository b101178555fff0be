// Failover plans over a platform's API, in the few fields that tests read.
import { eventually } from './eventually.ts';
import type { Platform } from './platform.ts';

export interface ShownPlan {
  id: string;
  phase: string;
  direction: string;
  progress: number;
  paused?: { by: string; reason: string };
  leaves: { app: string; cluster: string; policy: string; withdrawal?: string; standby?: true }[];
  arrives: { app: string; cluster: string; healthySince?: string; standby?: true }[];
  hooks: { hook: string; when: string; step: string; direction: string; state?: string; message?: string }[];
  findings: { severity: string; code: string; message: string }[];
  capacity: { cluster: string; free?: object }[];
  counts: { incoming: number; healthy: number; outgoing: number; withdrawn: number; kept: number; pending: number };
  waits: string[];
  history: { message: string }[];
}

type Api = Pick<Platform, 'api'>;
const path = '/api/v1/fleet/plans';

export async function makePlan({ api }: Api, body: object): Promise<ShownPlan> {
  return await api('POST', path, body);
}

export async function getPlan({ api }: Api, id: string): Promise<ShownPlan> {
  return await api('GET', `${path}/${id}`);
}

/** `start`, `pause`, `resume`, `abort`, `fail-back`, `withdraw`. */
export async function actOnPlan({ api }: Api, id: string, act: { verb: string; body?: object }): Promise<ShownPlan> {
  return await api('POST', `${path}/${id}/${act.verb}`, act.body ?? {});
}

/** Waits until a plan is in one of these phases. */
export async function planIn(
  platform: Api,
  { id }: { id: string },
  { phases, timeoutMs = 60_000 }: { phases: readonly string[]; timeoutMs?: number },
): Promise<ShownPlan> {
  return await eventually(
    async () => {
      const plan = await getPlan(platform, id);
      if (phases.includes(plan.phase)) return plan;
      const { phase, paused, waits } = plan;
      throw new Error(
        `plan ${id} is ${phase}${paused ? `, paused: ${paused.reason}` : ''}; waits for ${waits.slice(0, 5).join('; ')}`,
      );
    },
    { timeoutMs, intervalMs: 20 },
  );
}
