import { beforeEach, describe, expect, it } from 'vitest';
import { createHubState, evaluationOf, type HubState } from '../testing/hub-state.ts';
import { createHoldActions, type HoldActions } from './hold-actions.ts';

const set = { namespace: 'argocd', name: 'fleet' };
const held = { applications: ['x'], reason: 'one', since: '', fingerprint: 'held-1' };
const rejected = { applications: ['y', 'z'], by: 'bob', at: '', reason: 'no', fingerprint: 'rejected-1' };

let state: HubState;
let actions: HoldActions;

beforeEach(async () => {
  state = await createHubState();
  actions = createHoldActions({
    ...state,
    audit: (entry) => void state.auditLog.push(entry),
    dispatch: { generate: async () => undefined },
  });
});

describe('a release', () => {
  it('is of what is held, and never of what somebody rejected instead', async () => {
    await state.derived.putEvaluation({ ...evaluationOf([]), held, rejected });
    await actions.releaseHold(set, { by: 'alice', rejected: false });
    expect(state.verdicts.released('argocd', 'fleet')).toBe('held-1');
    await state.derived.putEvaluation({ ...evaluationOf([]), rejected });
    await expect(actions.releaseHold(set, { by: 'alice', rejected: false })).rejects.toMatchObject({
      code: 'Invalid',
      message: 'ApplicationSet argocd/fleet holds no removals; bob rejected 2: --rejected lets those go',
    });
    expect(state.verdicts.released('argocd', 'fleet')).toBe('held-1');
  });

  it('is of what was rejected when that is named', async () => {
    await state.derived.putEvaluation({ ...evaluationOf([]), held, rejected });
    await actions.releaseHold(set, { by: 'alice', rejected: true });
    expect(state.verdicts.released('argocd', 'fleet')).toBe('rejected-1');
    expect(state.auditLog).toMatchObject([{ action: 'release removals', details: { count: 2, rejected: true } }]);
  });

  it('of nothing is refused', async () => {
    for (const isRejected of [true, false])
      await expect(actions.releaseHold(set, { by: 'alice', rejected: isRejected })).rejects.toMatchObject({
        code: 'Invalid',
      });
  });
});
