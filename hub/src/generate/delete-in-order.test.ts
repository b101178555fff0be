import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Application } from '@wheelhouse/shared/resources/application';
import { beforeEach, describe, expect, it } from 'vitest';
import { applicationOf, createHubState, evaluationOf, type HubState, logger } from '../testing/hub-state.ts';
import { type DeleteInOrderDeps, deleteInOrder, standingOf } from './delete-in-order.ts';
import type { Evaluation } from './generate.ts';
import { reverseOf, setWith, stepFor } from './testing/rolling-set.ts';

const target = { kind: 'ApplicationSet', namespace: 'argocd', name: 'fleet' };
const removal = { by: 'ann', reason: 'deleted by ann' };
let state: HubState;

beforeEach(async () => {
  state = await createHubState();
  await state.specs.put(setWith(reverseOf([stepFor('one'), stepFor('two')])), { by: 'test' });
});

function tiered(name: string, tier: string | undefined, cluster = 'east'): Application {
  return applicationOf(name, { cluster, metadata: tier ? { labels: { tier } } : {} });
}

const three = [tiered('first', 'one'), tiered('second', 'two'), tiered('other', undefined)];

function never(): Promise<Evaluation> {
  throw new Error('nothing is evaluated');
}

function depsOf(fields: Partial<DeleteInOrderDeps> = {}): DeleteInOrderDeps {
  return { ...state, logger, withdrawals: state.additions.allWithdrawals, ...fields };
}

/** One job of the set; nothing when there is none. */
async function work(evaluate = never, fields: Partial<DeleteInOrderDeps> = {}): Promise<void> {
  const spec = state.specs.find('ApplicationSet', 'argocd', 'fleet');
  if (spec?.deleting) await deleteInOrder(spec, evaluate, depsOf(fields));
}

function confirm(...apps: string[]): Promise<unknown> {
  return Promise.all(apps.map(async (app) => await state.additions.deleteWithdrawal('east', app)));
}

function standing() {
  const spec = state.specs.find('ApplicationSet', 'argocd', 'fleet');
  return {
    spec: spec ? (spec.deleting?.step ?? 'no step') : 'gone',
    evaluated: state.derived.evaluation('argocd', 'fleet')?.applications.map(({ metadata }) => metadata.name),
    withdrawn: [...state.additions.allWithdrawals()].map(({ app }) => app),
  };
}

describe('a set that is deleted in reverse order', () => {
  it('withdraws the last step, waits for its clusters, and goes last', async () => {
    await state.derived.putEvaluation(evaluationOf(three));
    await state.changes.remove(target, removal);
    expect(standing()).toEqual({ spec: 'no step', evaluated: ['first', 'second', 'other'], withdrawn: [] });
    await work();
    const waiting = { spec: 1, evaluated: ['first', 'other'], withdrawn: ['second'] };
    expect(standing()).toEqual(waiting);
    await work();
    expect(standing()).toEqual(waiting);
    await confirm('second');
    await work();
    expect(standing()).toEqual({ spec: 0, evaluated: ['other'], withdrawn: ['first'] });
    await confirm('first');
    await work();
    expect(standing()).toEqual({ spec: 'gone', evaluated: undefined, withdrawn: ['other'] });
    expect(
      state.auditLog.map(({ by, action, details }) => [by, action, details?.['step'], details?.['withdrawn']]),
    ).toEqual([
      ['ann', 'delete in order applicationset', undefined, undefined],
      ['ann', 'withdraw from applicationset', 2, 1],
      ['ann', 'withdraw from applicationset', 1, 1],
      ['ann', 'withdraw from applicationset', undefined, 1],
      ['ann', 'delete applicationset', undefined, undefined],
    ]);
  });

  it('keeps what the deletion said of resources, and who asked', async () => {
    await state.derived.putEvaluation(evaluationOf(three));
    await state.changes.remove(target, { ...removal, cascade: true });
    await work();
    expect([...state.additions.allWithdrawals()]).toMatchObject([
      { ...removal, cascade: true, applicationSet: 'argocd/fleet' },
    ]);
  });

  it('waits for what its generators removed before', async () => {
    await state.derived.putEvaluation(evaluationOf(three));
    await state.changes.withdraw([tiered('second', 'two')], {
      by: 'applicationset argocd/fleet',
      reason: 'not generated',
    });
    await state.derived.putEvaluation(evaluationOf([tiered('first', 'one')]));
    await state.changes.remove(target, removal);
    await work();
    expect(standing()).toEqual({ spec: 'no step', evaluated: ['first'], withdrawn: ['second'] });
    await confirm('second');
    await work();
    expect(standing()).toEqual({ spec: 0, evaluated: [], withdrawn: ['first'] });
  });

  it('does not wait for what nobody can confirm', async () => {
    await state.derived.putEvaluation(evaluationOf([tiered('first', 'one'), tiered('second', 'two', 'mars')]));
    await state.changes.remove(target, removal);
    await work();
    expect(standing()).toEqual({ spec: 0, evaluated: [], withdrawn: ['first'] });
  });

  it('does not wait for a name that somebody took over where it was', async () => {
    await state.derived.putEvaluation(evaluationOf(three));
    await state.changes.remove(target, removal);
    await work();
    await state.derived.putEvaluation(evaluationOf([tiered('second', 'two')], { name: 'heir' }));
    await work();
    expect(standing()).toMatchObject({ spec: 0, evaluated: ['other'] });
  });

  it('is removed with everything that a budget held or a person rejected', async () => {
    const held = { applications: ['second'], reason: 'too many', since: '2026-01-01T00:00:00Z', fingerprint: 'f' };
    await state.derived.putEvaluation(
      evaluationOf(three, { held, problem: { code: 'GeneratorFailed', message: 'no' } }),
    );
    await state.changes.remove(target, removal);
    await work();
    const { held: left, problem } = state.derived.evaluation('argocd', 'fleet') ?? {};
    expect([left, problem]).toEqual([undefined, undefined]);
  });

  it('forgets what its Applications were asked to do', async () => {
    await state.derived.putEvaluation(evaluationOf(three));
    const expiresAt = new Date(state.now().getTime() + 60_000).toISOString();
    await state.additions.addOperation({ id: '1', app: 'second', type: 'refresh', by: 'ann', expiresAt }, state.now());
    await state.changes.remove(target, removal);
    await work();
    expect(state.additions.operations('second')).toEqual([]);
  });

  it('asked for again changes nothing, and without order takes what is left at once', async () => {
    await state.derived.putEvaluation(evaluationOf(three));
    await state.changes.remove(target, removal);
    await work();
    const before = state.specs.find('ApplicationSet', 'argocd', 'fleet')?.revision;
    await state.changes.remove(target, { by: 'bob', reason: 'deleted by bob' });
    expect(state.specs.find('ApplicationSet', 'argocd', 'fleet')?.revision).toBe(before);
    await state.changes.remove(target, { by: 'bob', reason: 'deleted by bob', allAtOnce: true });
    await work();
    expect(standing()).toEqual({ spec: 'gone', evaluated: undefined, withdrawn: ['second', 'first', 'other'] });
    expect(state.auditLog.map(({ by, action }) => `${by}: ${action}`)).toContain(
      'bob: delete without order applicationset',
    );
  });

  it('goes at once when that is asked for from the start', async () => {
    await state.derived.putEvaluation(evaluationOf(three));
    await state.changes.remove(target, { ...removal, allAtOnce: true });
    expect(standing()).toEqual({ spec: 'gone', evaluated: undefined, withdrawn: ['first', 'second', 'other'] });
  });

  it('takes no change, not even what it is already', async () => {
    await state.changes.remove(target, removal);
    const refused = {
      code: 'Conflict',
      message: expect.stringMatching(
        /ApplicationSet argocd\/fleet is being deleted since .*, by ann: .*--all-at-once/,
      ) as string,
    };
    await expect(
      state.changes.put(setWith(reverseOf([stepFor('one'), stepFor('two')])), { by: 'bob' }),
    ).rejects.toMatchObject(refused);
    await expect(
      state.specs.put(setWith(reverseOf([stepFor('one'), stepFor('two')])), { by: 'bob' }),
    ).rejects.toMatchObject(refused);
  });
});

describe('a hub that is killed', () => {
  it.each<[string, (deps: DeleteInOrderDeps) => Partial<DeleteInOrderDeps>]>([
    ['before the step is recorded', () => ({ specs: { markDeleting: async () => await killed() } })],
    [
      'before anything is withdrawn',
      ({ changes }) => ({ changes: { ...changes, withdrawStep: async () => await killed() } }),
    ],
    [
      'before the evaluation is written',
      ({ derived }) => ({ derived: { ...derived, putEvaluation: async () => await killed() } }),
    ],
  ])('%s goes on', async (_name, broken) => {
    await state.derived.putEvaluation(evaluationOf(three));
    await state.changes.remove(target, removal);
    await expect(work(never, broken(depsOf()))).rejects.toThrow('killed');
    await work();
    expect(standing()).toEqual({ spec: 1, evaluated: ['first', 'other'], withdrawn: ['second'] });
  });

  it('before the set is gone leaves nothing behind that nobody takes further', async () => {
    await state.derived.putEvaluation(evaluationOf([tiered('other', undefined)]));
    await state.changes.remove(target, removal);
    await expect(work(never, { changes: { ...state.changes, complete: async () => await killed() } })).rejects.toThrow(
      'killed',
    );
    expect(standing()).toEqual({ spec: 'no step', evaluated: [], withdrawn: ['other'] });
    await work();
    expect(standing()).toEqual({ spec: 'gone', evaluated: undefined, withdrawn: ['other'] });
  });

  async function killed(): Promise<never> {
    throw new Error('killed');
  }
});

describe('a set whose evaluation was lost', () => {
  const evaluation: Evaluation = {
    applications: three,
    errors: [],
    warnings: [],
    reads: { repositories: [], clusters: true, settings: [] },
  };

  it('is evaluated once more, and nothing comes back that was withdrawn', async () => {
    await state.derived.putEvaluation(evaluationOf(three));
    await state.changes.remove(target, removal);
    await work();
    await confirm('second');
    await work();
    await state.derived.deleteEvaluation('argocd', 'fleet');
    await confirm('first');
    await work(async () => await Promise.resolve(evaluation));
    expect(standing()).toEqual({ spec: 0, evaluated: ['other'], withdrawn: ['first'] });
  });

  it('stays as long as that fails', async () => {
    await state.changes.remove(target, removal);
    const failed = new FleetError('RepositoryUnreachable', 'repository cannot be reached');
    const evaluate = async () => await Promise.resolve({ ...evaluation, applications: [], failed });
    await expect(work(evaluate)).rejects.toThrow('cannot be reached');
    expect(standing()).toEqual({ spec: 'no step', evaluated: undefined, withdrawn: [] });
  });
});

it('a mark that somebody else wrote meanwhile ends the job quietly', async () => {
  await state.derived.putEvaluation(evaluationOf(three));
  await state.changes.remove(target, removal);
  const spec = state.specs.find('ApplicationSet', 'argocd', 'fleet');
  await state.changes.remove(target, { ...removal, allAtOnce: true });
  if (spec) await deleteInOrder(spec, never, depsOf());
  expect(standing()).toMatchObject({ evaluated: ['first', 'second', 'other'], withdrawn: [] });
});

it('what is another set’s does not stand for this one', async () => {
  await state.derived.putEvaluation(evaluationOf([tiered('a', 'one')], { name: 'earlier' }));
  await state.derived.putEvaluation(evaluationOf([tiered('a', 'one'), tiered('b', 'one')]));
  const { present } = standingOf(setWith(reverseOf([stepFor('one'), stepFor('two')])), depsOf());
  expect(present.map(({ metadata }) => metadata.name)).toEqual(['b']);
});
