import { eventually } from '@wheelhouse/test/support/eventually';
import { expect, it } from 'vitest';
import { follow } from './follow.ts';
import type { FleetState } from './table.ts';

const now = Date.now();

type Health = 'Healthy' | 'Progressing';

function fleet(health: Health, options: { stale?: boolean; held?: string; ageMs?: number } = {}): FleetState {
  const { stale = false, held, ageMs = 45_000 } = options;
  const conditions = held ? [{ type: 'DeletionHeld', status: 'True', message: held }] : [];
  return {
    clusters: [
      {
        name: 'us-east',
        server: 'https://us-east.wheelhouse.internal',
        state: stale ? 'Stale' : 'Connected',
        labels: { region: 'us' },
        annotations: {},
        lastSeenAt: new Date(now).toISOString(),
      },
    ],
    applications: [
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        metadata: { name: 'checkout-us-east', namespace: 'argocd' },
        spec: { project: 'default', destination: { name: 'us-east' } },
        status: { sync: { status: 'Synced', revision: '0123456789' }, health: { status: health } },
        fleet: { cluster: 'us-east', observedAt: new Date(now - ageMs).toISOString(), ageMs, stale },
      },
    ],
    sets: [
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'ApplicationSet',
        metadata: { name: 'shop', namespace: 'argocd' },
        spec: { generators: [], template: { metadata: {}, spec: { project: 'default', destination: {} } } },
        status: { conditions },
      },
    ],
  };
}

/** Runs follow on these answers (undefined: the hub does not answer), the last of them for ever, until `done`. */
async function run(answers: (FleetState | undefined)[], done: (text: string) => void, once = false): Promise<string> {
  const stop = new AbortController();
  let text = '';
  let asked = 0;
  const read = async () => {
    const answer = answers[Math.min(asked++, answers.length - 1)];
    if (!answer) throw new TypeError('fetch failed');
    return await Promise.resolve(answer);
  };
  const output = { write: (part: string) => (text += part) };
  const following = follow(read, { output, startedAt: now - 60_000, once, signal: stop.signal });
  await eventually(() => done(text));
  if (!once) stop.abort();
  await following;
  return text;
}

it('prints the table once all is Healthy, with the age of every state, and ends when asked to', async () => {
  const text = await run(
    [fleet('Progressing'), fleet('Healthy')],
    (seen) => expect(seen).toContain('after the start'),
    true,
  );
  expect(text).toMatch(/^0 of 1 Applications Healthy\n\n {2}CLUSTER/);
  expect(text).toMatch(/us-east +Connected +\d+s ago +region=us +1\n/);
  expect(text).toMatch(/checkout-us-east +us-east +Synced +Healthy +45s ago +0123456\n/);
  expect(text).toMatch(/1 of 1 Applications Healthy\nall Healthy \d+\.\d s after the start\n$/);
});

it('does not take news from before the start for Healthy', async () => {
  const answers = [fleet('Healthy', { ageMs: 61_000 }), fleet('Healthy')];
  const text = await run(answers, (seen) => expect(seen).toContain('after the start'), true);
  expect(text).toMatch(/^1 of 1 Applications Healthy\n\n {2}CLUSTER/);
});

it('counts stale news apart, never as Healthy', async () => {
  const text = await run([fleet('Healthy', { stale: true })], (seen) => expect(seen).toContain('stale'));
  expect(text).toBe('0 of 1 Applications Healthy, 1 stale\n');
});

it('says that the hub does not answer, and how old what it shows is', async () => {
  const text = await run([fleet('Progressing'), undefined], (seen) => expect(seen).toContain('does not answer'));
  expect(text).toMatch(/the hub does not answer: this is what it said \d+s ago \(see hub-0\.log\)\n/);
});

it('says what an ApplicationSet holds back', async () => {
  const text = await run([fleet('Healthy', { held: '4 of 12 would go' })], (seen) => expect(seen).toContain('after'));
  expect(text).toContain('\nApplicationSet shop: DeletionHeld: 4 of 12 would go\n1 of 1 Applications Healthy\n');
});
