import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { beforeEach, describe, expect, it } from 'vitest';
import { idOf } from '../assign/applications.ts';
import { createChanges } from '../assign/change.ts';
import { createMemorySnapshot } from '../source/memory-snapshot.ts';
import { createVerdicts, type Verdicts } from '../store/verdicts.ts';
import { applicationOf, createHubState, evaluationOf, type HubState, logger, repoURL } from '../testing/hub-state.ts';
import { everySet, runGenerate } from './generate-stage.ts';
import { createMemos } from './memo.ts';

type Spec = ApplicationSet['spec'];

const signal = new AbortController().signal;
const by = { by: 'test' };
let state: HubState;
let verdicts: Verdicts;
let git: () => Promise<ReturnType<typeof createMemorySnapshot>>;

beforeEach(async () => {
  state = await createHubState();
  verdicts = await createVerdicts(state.buckets.open('fleet'));
  git = () => Promise.reject(new FleetError('RepositoryUnreachable', 'repository cannot be reached'));
});

function listOf(...names: string[]): Spec['generators'] {
  return [{ list: { elements: names.map((name) => ({ name })) } }];
}

interface Given {
  name?: string;
  derived?: HubState['derived'];
  annotations?: Record<string, string>;
}

/** Writes the set of these names, or generators, and evaluates it. */
async function evaluate(
  given: string[] | Spec['generators'],
  fields: Partial<Spec> = {},
  { name = 'fleet', derived = state.derived, annotations = {} }: Given = {},
): Promise<void> {
  const generators = given.every((one) => typeof one === 'string') ? listOf(...given) : given;
  const { spec } = applicationOf('{{.name}}');
  const set = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name, namespace: 'argocd', annotations },
    spec: {
      goTemplate: true,
      goTemplateOptions: ['missingkey=error'],
      generators,
      template: { metadata: { name: '{{.name}}' }, spec },
      ...fields,
    },
  } as ApplicationSet;
  await state.specs.put(set, by);
  await run(name, derived);
}

const memos = createMemos();

async function run(name = 'fleet', derived = state.derived): Promise<void> {
  const deps = {
    ...state,
    derived,
    logger,
    clusters: () => [],
    outside: () => undefined,
    newGitFileGlobbing: false,
    memos,
    snapshot: async () => await git(),
    verify: async () => undefined,
    withdraw: async (...[applications, reason, who]: Parameters<Parameters<typeof runGenerate>[1]['withdraw']>) =>
      await state.changes.withdraw(applications, { reason, by: who }),
    restore: state.changes.restore,
    withdrawals: state.additions.allWithdrawals,
    verdicts,
    project: () => undefined,
    ownerOf: (application: Parameters<typeof idOf>[0]) => {
      const origin = state.applications.find(idOf(application))?.origin;
      return origin?.type === 'generated' ? origin.applicationSet : origin && 'a manifest';
    },
    clusterOf: (application: Parameters<typeof idOf>[0]) => application.spec.destination.name,
    planned: () => undefined,
  };
  await runGenerate({ key: `argocd.${name}` }, deps, signal);
}

function outcome(name = 'fleet') {
  const { applications = [], errors = [], problem, held } = state.derived.evaluation('argocd', name) ?? {};
  return {
    names: applications.map(({ metadata }) => metadata.name),
    errors: errors.map(({ message }) => message),
    problem: problem?.message,
    held: held?.applications,
    withdrawn: state.additions.allWithdrawals() && [...state.additions.allWithdrawals()].map(({ app }) => app),
  };
}

const quiet = { errors: [], problem: undefined, held: undefined, withdrawn: [] };
const files = [{ git: { repoURL, revision: 'main', files: [{ path: '*.json' }] } }];

describe('an evaluation', () => {
  it('is kept, and written again only when it differs', async () => {
    await evaluate(['a', 'b']);
    expect(outcome()).toEqual({ ...quiet, names: ['a', 'b'] });
    const first = state.derived.evaluation('argocd', 'fleet');
    state.pass(1_000);
    await run();
    expect(state.derived.evaluation('argocd', 'fleet')).toBe(first);
  });

  it('of a set that is gone does nothing', async () => {
    await run('gone');
    expect(state.derived.evaluations()).toEqual([]);
  });

  it('of a set whose removal was broken off completes it, once a sweep has found it', async () => {
    await evaluate(['a']);
    const killed = {
      ...state.specs,
      delete: async (...args: Parameters<typeof state.specs.delete>) => {
        await state.specs.delete(...args);
        throw new Error('killed');
      },
    };
    const changes = createChanges({ ...state, specs: killed, generation: () => 0, audit: () => undefined });
    const target = { kind: 'ApplicationSet', namespace: 'argocd', name: 'fleet' };
    await expect(changes.remove(target, { by: 'ann', reason: 'deleted by ann' })).rejects.toThrow('killed');
    expect(everySet(state)).toEqual([{ key: 'argocd.fleet' }]);
    await run();
    expect(outcome()).toEqual({ ...quiet, names: [], withdrawn: ['a'] });
    expect(everySet(state)).toEqual([]);
  });

  it('writes a withdrawal of what is no longer generated, and takes it back', async () => {
    await evaluate(['a', 'b']);
    await evaluate(['a']);
    expect(outcome()).toEqual({ ...quiet, names: ['a'], withdrawn: ['b'] });
    await evaluate(['a', 'b']);
    expect(outcome()).toEqual({ ...quiet, names: ['a', 'b'] });
  });

  it('that gives nothing is held until it is released, and no other', async () => {
    await evaluate(['a', 'b']);
    await evaluate([]);
    expect(outcome()).toEqual({ ...quiet, names: ['a', 'b'], held: ['a', 'b'] });
    await verdicts.release('argocd', 'fleet', 'of other removals');
    await run();
    expect(outcome()).toMatchObject({ names: ['a', 'b'], withdrawn: [] });
    expect(verdicts.released('argocd', 'fleet')).toBeUndefined();
    await verdicts.release('argocd', 'fleet', state.derived.evaluation('argocd', 'fleet')?.held?.fingerprint ?? '');
    await run();
    expect(outcome()).toEqual({ ...quiet, names: [], withdrawn: ['a', 'b'] });
    expect(verdicts.released('argocd', 'fleet')).toBeUndefined();
  });

  it('whose removals were rejected keeps them until they are generated again', async () => {
    const reject = { applications: ['a', 'b'], by: 'ann', reason: 'wrong folder', at: state.now().toISOString() };
    await evaluate(['a', 'b']);
    await evaluate([]);
    await verdicts.reject('argocd', 'fleet', reject);
    await run();
    expect(outcome()).toEqual({ ...quiet, names: ['a', 'b'] });
    expect(state.derived.evaluation('argocd', 'fleet')?.rejected).toMatchObject({
      applications: ['a', 'b'],
      by: 'ann',
    });
    await evaluate(['a']);
    expect(verdicts.rejection('argocd', 'fleet')?.applications).toEqual(['b']);
    await evaluate(['a', 'b']);
    expect(verdicts.rejection('argocd', 'fleet')).toBeUndefined();
    await evaluate(['a']);
    expect(outcome()).toEqual({ ...quiet, names: ['a'], withdrawn: ['b'] });
  });

  it('keeps what was rejected while a generator fails', async () => {
    await evaluate(['a', 'b']);
    await evaluate([]);
    await verdicts.reject('argocd', 'fleet', { applications: ['a', 'b'], by: 'ann', reason: 'no', at: '' });
    await evaluate(files);
    expect(outcome()).toMatchObject({ names: ['a', 'b'] });
    expect(verdicts.rejection('argocd', 'fleet')?.applications).toEqual(['a', 'b']);
  });

  it('takes back withdrawals that were written before the hub was killed, and of which nothing came', async () => {
    await evaluate(['a', 'b']);
    const { derived } = state;
    const killed = { ...derived, putEvaluation: () => Promise.reject(new Error('killed')) };
    await expect(evaluate(['a'], {}, { derived: killed })).rejects.toThrow('killed');
    expect(outcome().withdrawn).toEqual(['b']);
    await evaluate(['a', 'b']);
    expect(outcome()).toEqual({ ...quiet, names: ['a', 'b'] });
  });

  it('takes a withdrawal back only once it gives the Application again', async () => {
    await evaluate(['a', 'b']);
    await evaluate(['a']);
    const { derived } = state;
    const killed = { ...derived, putEvaluation: () => Promise.reject(new Error('killed')) };
    await expect(evaluate(['a', 'b'], {}, { derived: killed })).rejects.toThrow('killed');
    await evaluate(['a']);
    expect(outcome()).toEqual({ ...quiet, names: ['a'], withdrawn: ['b'] });
  });

  it('leaves withdrawals of others alone', async () => {
    await evaluate(['a', 'b']);
    const [a] = state.derived.evaluation('argocd', 'fleet')?.applications ?? [];
    await state.changes.withdraw(a ? [a] : [], { by: 'plan p1', reason: 'moves' });
    await run();
    expect(outcome().withdrawn).toEqual(['a']);
  });

  it('says that a budget cannot be read', async () => {
    await evaluate(['a'], {}, { annotations: { 'wheelhouse.dev/deletion-budget': 'all' } });
    expect(state.derived.evaluation('argocd', 'fleet')?.warnings.join()).toContain('"all" is no budget');
  });

  it.each<[string, string[] | Spec['generators'], Partial<Spec>, object]>([
    ['a generator that fails', files, {}, { problem: expect.stringContaining('cannot be reached') as string }],
    [
      'a template that cannot be rendered',
      ['a'],
      { template: { metadata: { name: '{{.nme}}' }, spec: applicationOf('x').spec } },
      { errors: [expect.stringContaining('no entry for key "nme"') as string] },
    ],
    [
      'a template of one Application that cannot be rendered',
      [{ list: { elements: [{ name: 'a' }, { name: 'b', path: 'x' }] } }],
      {
        template: { metadata: { name: '{{.name}}' }, spec: applicationOf('x', { source: { path: '{{.path}}' } }).spec },
      },
      { errors: [expect.stringContaining('no entry for key "path"') as string] },
    ],
  ])('with %s removes nothing, and says why', async (...[, given, fields, said]) => {
    await evaluate(['a', 'b']);
    await evaluate(given, fields);
    expect({ ...outcome(), names: outcome().names.sort() }).toEqual({ ...quiet, names: ['a', 'b'], ...said });
  });

  it('keeps what it held, and why, while a generator fails', async () => {
    await evaluate(['a']);
    await evaluate([]);
    await evaluate(files);
    expect(outcome()).toMatchObject({
      names: ['a'],
      held: ['a'],
      problem: expect.stringContaining('cannot be reached') as string,
    });
  });

  it('of the last commit says that its repository cannot be read now', async () => {
    git = () => Promise.resolve(createMemorySnapshot({ 'a.json': '{"name": "a"}' }));
    await state.derived.putRevision({ repoURL, targetRevision: 'main', sha: 'c0ffee' });
    await evaluate(files);
    await state.derived.putRevision({
      repoURL,
      targetRevision: 'main',
      sha: 'c0ffee',
      problem: { code: 'RepositoryUnreachable', message: 'repository cannot be reached' },
    });
    await run();
    expect(outcome()).toEqual({ ...quiet, names: ['a'], errors: ['repository cannot be reached'] });
  });

  it.each<[string, string, string[]]>([
    ['sync', 'sync', ['b']],
    ['create-only', 'create-only', ['a', 'b']],
    ['create-update', 'create-update', ['a', 'b']],
    ['create-delete', 'create-delete', ['b']],
  ])('with policy %s', async (_name, applicationsSync, names) => {
    const syncPolicy = { applicationsSync } as NonNullable<Spec['syncPolicy']>;
    await evaluate(['a', 'b'], { syncPolicy });
    await evaluate(['b'], { syncPolicy });
    expect(outcome().names.sort()).toEqual(names);
  });
});

describe('a name that is another’s', () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ['a manifest', async () => await state.specs.put(applicationOf('a'), by), 'a manifest'],
    ['another set', async () => await evaluate(['a'], {}, { name: 'aaa' }), 'argocd/aaa'],
  ])('is left to %s, and said', async (_name, take, owner) => {
    await take();
    await evaluate(['a', 'b']);
    expect(outcome()).toEqual({
      ...quiet,
      names: ['b'],
      errors: [`application a exists already, from ${owner}: change the template's metadata.name`],
    });
  });

  it('was claimed at the same time: one set lets go of it without a withdrawal', async () => {
    await evaluate(['a', 'b']);
    // as if both had been evaluated before either was stored
    const { applications = [] } = state.derived.evaluation('argocd', 'fleet') ?? {};
    await state.derived.putEvaluation(evaluationOf(applications, { name: 'aaa' }));
    await run();
    expect(outcome()).toMatchObject({ names: [], withdrawn: [] });
    expect(outcome().errors).toHaveLength(2);
    expect([...state.applications.list()].map(({ id }) => id).sort()).toEqual(['a', 'b']);
  });

  it('notices at once that another took the name while it was evaluated', async () => {
    const put = state.derived.putEvaluation;
    state.derived.putEvaluation = async (evaluation) => {
      state.derived.putEvaluation = put;
      await put({ ...evaluation, name: 'aaa' });
      await put(evaluation);
    };
    await evaluate(['a', 'b']);
    expect(outcome()).toMatchObject({ names: [], withdrawn: [] });
    expect(outcome().errors).toHaveLength(2);
  });
});
