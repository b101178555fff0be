/** Whole plans, what they move and the hooks that they call, for tests; each with what a test says of it. */
import type { PlannedHook } from '../hooks/planned-hook.ts';
import type { Placement, Plan } from '../plan-record.ts';

const createdAt = '2026-01-01T00:00:00.000Z';

/** A plan that is not begun: the shop goes from `eu-west` to `us-east`. */
export function planOf(fields: Partial<Plan> = {}): Plan {
  return {
    id: 'p1',
    owner: 'admin',
    reason: '',
    kind: 'failover',
    createdAt,
    expiresAt: '2026-01-01T01:00:00.000Z',
    phase: 'Planned',
    direction: 'forward',
    phaseAt: createdAt,
    deadlineMs: 1_800_000,
    labels: [{ cluster: 'us-east', key: 'role', before: 'standby', after: 'active' }],
    leaves: [placementOf('shop-eu-west', 'eu-west')],
    arrives: [placementOf('shop-us-east', 'us-east')],
    changes: [],
    findings: [],
    capacity: [],
    history: [],
    ...fields,
  };
}

/** An Application of the set `argocd/shop` by policy Surge. */
export function placementOf(app: string, cluster: string, fields: Partial<Placement> = {}): Placement {
  return { app, cluster, set: 'argocd/shop', policy: 'Surge', soakMs: 60_000, cascade: true, ...fields };
}

/** A call by NATS before anything is withdrawn that did not begin yet. */
export function hookOf(fields: Partial<PlannedHook> = {}): PlannedHook {
  return {
    hook: 'argocd/dns',
    when: 'before',
    step: 'Withdrawing',
    direction: 'forward',
    call: { type: 'nats', subject: 'dns.switch' },
    timeoutMs: 5_000,
    retries: 0,
    onFailure: 'Pause',
    attempt: 0,
    ...fields,
  };
}
