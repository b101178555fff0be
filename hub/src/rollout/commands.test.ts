import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { beforeEach, describe, expect, it } from 'vitest';
import { createRolloutCommands, type RolloutCommands } from './commands.ts';
import type { RolloutRecord } from './record.ts';
import { createSimulatedFleet, planOf, type SimulatedFleet, step } from './simulated-fleet.ts';

const key = 'rollout.argocd.shop';
const ann = { name: 'ann', roles: ['role:release'] };

let fleet: SimulatedFleet;
let conflicts: number;
let enqueued: string[];
let commands: RolloutCommands;

/** Two steps, the second of which wants approval by ann or a release manager; the first is under way with bundle B. */
beforeEach(() => {
  const approval = { people: ['bob'], roles: ['role:release'] };
  fleet = createSimulatedFleet(
    planOf([step('canary', { portion: { count: 1 } }), step('rest', { approval })], { onFailure: 'Pause' }),
    [{ id: 'a' }, { id: 'b' }],
  );
  fleet.record.pins = { 'app-a': { now: a, good: a }, 'app-b': { now: a, good: a } };
  fleet.push('B');
  fleet.decide();
  conflicts = 0;
  enqueued = [];
  commands = createRolloutCommands({
    rollouts: { find: () => undefined },
    store: {
      read: async (of) => (of === key ? { value: structuredClone(fleet.record), revision: 1 } : undefined),
      put: async (record: RolloutRecord) => {
        if (conflicts-- > 0) throw new FleetError('Conflict', 'somebody was faster', { retryable: true });
        fleet.record = record;
      },
    },
    dispatch: { rollouts: async (keys) => void enqueued.push(...keys) },
    now: () => new Date(fleet.now),
  });
});

const a = { bundle: 'A', revision: 'A-commit' };
const last = () => fleet.record.events.at(-1);

describe('pause and resume', () => {
  it('record who and why, and are taken up at once', async () => {
    conflicts = 2;
    await commands.pause(key, { reason: 'freeze', until: '2026-01-01T00:00:00.000Z' }, ann);
    expect(fleet.record.pause).toMatchObject({ reason: 'freeze', by: 'ann' });
    expect(last()).toMatchObject({ type: 'Paused', by: 'ann', message: 'freeze, until 2026-01-01T00:00:00.000Z' });
    expect(enqueued).toEqual([key]);
    await commands.resume(key, ann);
    expect(fleet.record.pause).toBeUndefined();
  });

  it('try again what had failed', async () => {
    const [canary = ''] = Object.keys(fleet.states()).filter((id) => fleet.states()[id] === 'Updating');
    fleet.change(canary, { outcomes: { B: 'degraded' } });
    fleet.settle(3);
    expect(fleet.record.pause?.by).toBe('rollout');
    fleet.change(canary, { outcomes: { B: 'healthy' } });
    await commands.resume(key, ann);
    fleet.decide();
    expect(fleet.states()[canary]).toBe('Healthy');
    expect(fleet.record.phase).toBe('WaitingForApproval');
  });

  it('of a failed step leave the pause that a person had set before', async () => {
    const [canary = ''] = Object.keys(fleet.states()).filter((id) => fleet.states()[id] === 'Updating');
    await commands.pause(key, { reason: 'freeze' }, ann);
    fleet.change(canary, { outcomes: { B: 'degraded' } });
    fleet.settle(3);
    expect(fleet.record.pause?.by).toBe('rollout');
    fleet.change(canary, { outcomes: { B: 'healthy' } });
    await commands.resume(key, ann);
    fleet.settle(3);
    expect(fleet.record).toMatchObject({ phase: 'Paused', pause: { by: 'ann' } });
    await commands.resume(key, ann);
    fleet.decide();
    expect(fleet.record.phase).toBe('WaitingForApproval');
  });

  it('do without a step that all have left', async () => {
    const [canary = ''] = Object.keys(fleet.states()).filter((id) => fleet.states()[id] === 'Updating');
    fleet.clusters.delete(canary);
    fleet.settle(100);
    expect(fleet.record.pause?.reason).toBe('step canary shows nothing: all 1 that it took have left');
    await commands.resume(key, ann);
    fleet.decide();
    expect(fleet.record.phase).toBe('WaitingForApproval');
  });

  it('say that nothing is paused', async () => {
    await expect(commands.resume(key, ann)).rejects.toThrow('rollout shop is not paused: it is Progressing');
  });
});

describe('approve', () => {
  it('is for whom the step names, by name or role, and once', async () => {
    const eve = { name: 'eve', roles: ['role:readonly'] };
    await expect(commands.approve(key, { step: 'rest' }, eve)).rejects.toMatchObject({ code: 'Forbidden' });
    await expect(commands.approve(key, { step: 'canary' }, ann)).rejects.toThrow('needs no approval for step canary');
    await expect(commands.approve(key, { step: 'none' }, ann)).rejects.toMatchObject({ code: 'NotFound' });
    await commands.approve(key, { step: 'rest', comment: 'looked at it' }, ann);
    expect(last()).toMatchObject({ type: 'Approved', by: 'ann', message: 'step rest with B-commit: looked at it' });
    await expect(commands.approve(key, { step: 'rest' }, ann)).rejects.toThrow(
      'has the approval for step rest already',
    );
  });
});

it('abort and undo ask for what the next job decides', async () => {
  await commands.undo(key, { reason: 'no' }, ann);
  expect(fleet.record.asked).toEqual({ what: 'undo', by: 'ann', reason: 'no' });
  fleet.settle();
  await expect(commands.abort(key, { reason: 'no' }, ann)).rejects.toThrow('has no run to abort: it is Aborted');
  await expect(commands.pause('rollout.argocd.none', { reason: 'x' }, ann)).rejects.toMatchObject({ code: 'NotFound' });
});
