// Rollouts over a platform's API, in the few fields that tests read.
import { type EventuallyOptions, eventually } from './eventually.ts';
import type { Platform } from './platform.ts';

export interface ShownRollout {
  name: string;
  phase: string;
  message: string;
  run?: number;
  step?: number;
  /** How many clusters are in each state. */
  members: Record<string, number>;
  steps: { name: string; state: string }[];
}

export interface ShownRolloutDetail extends ShownRollout {
  clusters: { name: string; state: string }[];
  events: { type: string; message: string }[];
}

type Api = Pick<Platform, 'api'>;
const path = '/api/v1/fleet/rollouts';

export async function getRollout({ api }: Api, name: string): Promise<ShownRolloutDetail> {
  return await api('GET', `${path}/${name}`);
}

/** Waits until a rollout is in a phase, in its run of that number where one is given. */
export async function rolloutIn(
  { api }: Api,
  { name, phase, run }: { name: string; phase: string; run?: number },
  options: EventuallyOptions,
): Promise<ShownRollout> {
  return await eventually(async () => {
    // the list is without clusters and events: looking often at a rollout over many costs little
    const { items } = await api<{ items: ShownRollout[] }>('GET', path);
    const found = items.find((one) => one.name === name);
    if (found?.phase === phase && (run === undefined || found.run === run)) return found;
    throw new Error(
      `run ${found?.run} of rollout ${name} is ${found?.phase}: ${found?.message} ${JSON.stringify(found?.members)}`,
    );
  }, options);
}

/** A FleetRollout; its steps are in YAML's flow style: `{name: rest, maxUpdate: 1}`. */
export function fleetRollout(of: { name: string; set: string; progressDeadline?: string; steps: string[] }): string {
  const { name, set, progressDeadline, steps } = of;
  return `apiVersion: wheelhouse.dev/v1alpha1
kind: FleetRollout
metadata: {name: ${name}, namespace: argocd}
spec:
  applicationSet: ${set}
${progressDeadline ? `  progressDeadline: ${progressDeadline}\n` : ''}  steps:
${steps.map((step) => `    - ${step}\n`).join('')}`;
}
