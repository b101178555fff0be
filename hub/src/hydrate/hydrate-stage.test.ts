import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { beforeEach, describe, expect, it } from 'vitest';
import { type HubState, outcomeOf, repoURL } from '../testing/hub-state.ts';
import { branchesDueAgain } from './again.ts';
import { runHydrate } from './hydrate-stage.ts';
import { hydratedApplication } from './testing/hydrated-application.ts';
import { by, createHydrating, type Hydrating, main, signal } from './testing/hydrating.ts';

const branch = 'environments/east';
let parts: Hydrating;

const fail = (error: FleetError): never => {
  throw error;
};

beforeEach(async () => {
  parts = await createHydrating();
});

describe('what is written', () => {
  it('is what the dry source comes to, recorded with both commits, audited, and looked at', async () => {
    await parts.put('shop', 'one');
    parts.state.enqueued();
    await parts.run();
    expect(parts.pushes).toMatchObject([
      {
        at: { repoURL, projects: new Set(['default']) },
        wanted: {
          branch,
          author: 'Bot <bot@example.com>',
          message: expect.stringMatching(/^dry1: Change dry1\n/u) as string,
          folders: [{ path: 'shop', files: { 'manifest.yaml': expect.stringContaining('text: one') as string } }],
          root: { 'hydrator.metadata': expect.stringContaining('"drySha": "dry1"') as string },
        },
      },
    ]);
    expect(parts.record()).toMatchObject({
      phase: 'Hydrated',
      drySHA: 'dry1',
      hydratedSHA: 'wet1',
      last: { drySHA: 'dry1' },
    });
    expect(parts.audited).toMatchObject([
      {
        by: 'source hydrator',
        action: 'push hydrated manifests',
        details: { commit: 'wet1', drySHA: 'dry1', folders: ['shop'] },
      },
    ]);
    expect(parts.state.enqueued()).toEqual([expect.stringMatching(/^source /u)]);
    expect(parts.outcomes).toEqual(['pushed']);
  });

  it('is all of a branch and a dry revision in one commit', async () => {
    await parts.put('shop', 'one');
    await parts.put('till', 'one');
    await parts.run();
    expect(parts.pushes).toHaveLength(1);
    expect(parts.folders()).toEqual(['shop', 'till']);
  });

  it('is of another branch apart', async () => {
    await parts.put('shop', 'one');
    await parts.put('till', 'one', { targetBranch: 'environments/west' });
    await parts.run();
    expect(parts.pushes.map(({ wanted }) => wanted.branch).sort()).toEqual([branch, 'environments/west']);
  });

  it('is not looked at again as long as nothing changes', async () => {
    await parts.put('shop', 'one');
    await parts.run();
    const before = parts.record();
    parts.state.pass(60_000);
    await parts.run();
    expect(parts.pushes).toHaveLength(1);
    expect(parts.record()).toBe(before);
  });

  it('is not looked for at another dry commit that leaves it as it is, which is told', async () => {
    await parts.put('shop', 'one');
    await parts.run();
    await parts.commit('dry2');
    await parts.run();
    expect(parts.record()).toMatchObject({
      phase: 'Hydrated',
      drySHA: 'dry2',
      hydratedSHA: 'wet1',
      last: { drySHA: 'dry2', hydratedSHA: 'wet1' },
    });
    expect(parts.pushes).toHaveLength(1);
    expect(parts.outcomes).toEqual(['pushed']);
  });

  it('is only what another dry commit changes', async () => {
    await parts.put('shop', 'one');
    await parts.put('till', 'one');
    await parts.run();
    parts.texts['till'] = 'two';
    await parts.commit('dry2');
    await parts.run();
    expect(parts.folders()).toEqual(['till']);
  });

  it.each<[string, () => never]>([
    ['nobody knows whether it got through', () => fail(new FleetError('Timeout', 'no answer'))],
    ['the server took nothing', () => fail(new FleetError('PushRefused', 'protected'))],
  ])('is compared with the branch after a push of which %s, also when it is taken back', async (_name, answer) => {
    await parts.put('shop', 'one');
    await parts.run();
    const pushed = parts.answer;
    parts.texts['shop'] = 'two';
    await parts.commit('dry2');
    parts.answer = answer;
    await parts.run().catch(() => undefined);
    parts.texts['shop'] = 'one';
    await parts.commit('dry3');
    parts.answer = pushed;
    await parts.run();
    expect(parts.pushes).toHaveLength(3);
    expect(parts.folders()).toEqual(['shop']);
  });

  it('is compared with the branch after a hub was killed before it recorded a push that is taken back since', async () => {
    await parts.put('shop', 'one');
    await parts.run();
    parts.texts['shop'] = 'two';
    await parts.commit('dry2');
    const { hydrations } = parts.state;
    await expect(parts.run({ hydrations: { ...hydrations, put: failingAfter(1, hydrations.put) } })).rejects.toThrow(
      'killed',
    );
    parts.texts['shop'] = 'one';
    await parts.commit('dry3');
    await parts.run();
    expect(parts.pushes).toHaveLength(3);
  });

  it('is written again when its branch is gone', async () => {
    await parts.put('shop', 'one');
    await parts.run();
    const problem = { code: 'RevisionNotFound', message: 'there is no such branch' };
    await parts.state.derived.putRevision({ repoURL, targetRevision: branch, sha: 'wet1', problem });
    await parts.run();
    expect(parts.pushes).toHaveLength(2);
  });

  it('is only what is new when an Application joins at a commit that is written already', async () => {
    await parts.put('shop', 'one');
    await parts.run();
    await parts.put('till', 'one');
    await parts.run();
    expect(parts.folders()).toEqual(['till']);
  });

  it('is everything when somebody asks for it, once', async () => {
    await parts.put('shop', 'one');
    await parts.run();
    parts.state.pass(1_000);
    await parts.state.hydrations.request({ branchKey: parts.keys()[0] ?? '', at: parts.state.now().toISOString() });
    parts.state.pass(1_000);
    await parts.run();
    await parts.run();
    expect(parts.pushes).toHaveLength(2);
    expect(parts.folders()).toEqual(['shop']);
  });

  it('is nothing at a commit that was written for the same branch, but for what is new', async () => {
    await parts.put('shop', 'one');
    await parts.run();
    await parts.commit('wet1');
    await parts.run();
    expect(parts.pushes).toHaveLength(1);
    parts.texts['shop'] = 'two';
    await parts.commit('wet1');
    await parts.run();
    expect(parts.folders()).toEqual(['shop']);
    expect(parts.pushes).toHaveLength(2);
  });

  it('begins where all of it is merged to, or with nothing', async () => {
    const staged = async (name: string, targetBranch: string) => {
      parts.texts[name] = 'one';
      await parts.state.specs.put(hydratedApplication(name, { sync: { targetBranch }, hydrateTo: 'next' }), by);
      await parts.state.derived.putDiscovery({ ...main, types: { shop: 'Kustomize', till: 'Kustomize' } });
    };
    await staged('shop', 'east');
    await parts.run();
    expect(parts.pushes.at(-1)?.wanted).toMatchObject({ branch: 'next', syncBranch: 'east' });
    await staged('till', 'west');
    await parts.run();
    expect(parts.pushes.at(-1)?.wanted).toMatchObject({ branch: 'next', syncBranch: 'next' });
  });
});

describe('nothing is written', () => {
  const refused = new FleetError('RenderFailed', 'kustomize build failed', { retryable: false });

  it('when one does not render, and all say so', async () => {
    await parts.put('shop', 'one');
    await parts.put('till', refused);
    await parts.run();
    expect(parts.pushes).toEqual([]);
    expect(parts.record()).toMatchObject({
      phase: 'Failed',
      drySHA: 'dry1',
      message: expect.stringContaining('because application till of the same branch cannot be') as string,
      failures: { till: 'kustomize build failed' },
    });
  });

  it('when one does not render for now: the job is tried again', async () => {
    await parts.put('shop', new FleetError('RepositoryUnreachable', 'base cannot be reached'));
    await expect(parts.run()).rejects.toThrow('base cannot be reached');
    expect(parts.record()).toMatchObject({ phase: 'Failed', failures: { shop: 'base cannot be reached' } });
  });

  it('as long as nobody looked what lies there', async () => {
    await parts.put('shop', 'one');
    await parts.put('till', 'one');
    await parts.state.derived.putDiscovery({ ...main, types: { shop: 'Kustomize' } });
    await parts.run();
    expect(parts.pushes).toEqual([]);
    expect(parts.record()?.phase).toBe('Hydrating');
  });

  it('for two Applications of one folder, whatever they are made of', async () => {
    await parts.put('shop', 'one');
    await parts.put('till', 'one', { path: 'a/../shop' });
    await parts.run();
    expect(parts.pushes).toEqual([]);
    expect(parts.record()?.failures).toMatchObject({
      shop: expect.stringContaining('is also that of till') as string,
      till: expect.stringContaining('is also that of shop') as string,
    });
  });

  it('of a render that holds Secrets, though its project allows them', async () => {
    await parts.put('shop', 'one');
    await parts.run();
    await parts.commit('dry2');
    const { key = '' } = [...parts.state.applications.list()][0]?.hydration?.dry.request ?? {};
    const digest = parts.state.derived.render(key)?.record?.digest ?? '';
    parts.current.set(key, digest);
    await parts.state.derived.putRender(outcomeOf(key, digest, { holdsSecrets: true }));
    await parts.run();
    expect(parts.pushes).toHaveLength(1);
    expect(parts.record()?.failures?.['shop']).toMatch(/never written to Git, whatever its project allows/u);
  });

  it('of a dry revision that was never resolved', async () => {
    await parts.put('shop', 'one');
    await parts.state.derived.deleteRevision(main);
    await parts.state.derived.putRevision({
      ...main,
      problem: { code: 'RevisionNotFound', message: 'there is no main' },
    });
    await parts.run();
    expect(parts.record()).toMatchObject({ phase: 'Failed', message: 'there is no main' });
  });

  it('when another commit came meanwhile: that is another attempt', async () => {
    await parts.put('shop', 'one');
    await parts.run({
      render: async ({ key }) => {
        await parts.render(key);
        await parts.state.derived.putRevision({ ...main, sha: 'dry2' });
      },
    });
    expect([parts.pushes, parts.record()]).toEqual([[], undefined]);
  });
});

describe('a failed push', () => {
  const fail = (error: FleetError) => {
    parts.answer = () => {
      throw error;
    };
  };

  it('that no attempt mends is recorded, and the last success stays', async () => {
    await parts.put('shop', 'one');
    await parts.run();
    parts.texts['shop'] = 'two';
    await parts.commit('dry2');
    fail(new FleetError('PushRefused', 'the branch is protected'));
    await parts.run();
    expect(parts.record()).toMatchObject({
      phase: 'Failed',
      message: 'the branch is protected',
      drySHA: 'dry2',
      last: { drySHA: 'dry1', hydratedSHA: 'wet1' },
    });
    expect(parts.outcomes).toEqual(['pushed', 'failed']);
  });

  it('that another may mend is thrown', async () => {
    await parts.put('shop', 'one');
    fail(new FleetError('RepositoryUnreachable', 'no answer'));
    await expect(parts.run()).rejects.toThrow('no answer');
    expect(parts.record()).toMatchObject({ phase: 'Failed', message: 'no answer' });
  });

  it('of what follows a push is not told as one of the push', async () => {
    await parts.put('shop', 'one');
    await expect(parts.run({ queue: { enqueue: noQueue } })).rejects.toThrow('no queue');
    expect(parts.audited).toMatchObject([{ action: 'push hydrated manifests', details: { commit: 'wet1' } }]);
    expect(parts.record()).toMatchObject({ phase: 'Hydrated', hydratedSHA: 'wet1' });
    await parts.run();
    expect(parts.record()).toMatchObject({ phase: 'Hydrated', hydratedSHA: 'wet1' });
  });

  it('whose record was lost is found in the branch', async () => {
    await parts.put('shop', 'one');
    await expect(
      parts.run({ hydrations: { ...parts.state.hydrations, put: failingAfter(1, parts.state.hydrations.put) } }),
    ).rejects.toThrow('killed');
    parts.answer = () => ({ sha: 'wet1', changed: [] });
    await parts.run();
    expect(parts.record()).toMatchObject({ phase: 'Hydrated', drySHA: 'dry1', hydratedSHA: 'wet1' });
  });
});

const noQueue = async () => {
  throw new FleetError('QueueUnavailable', 'no queue');
};

describe('what follows a push', () => {
  const dueAgain = () => branchesDueAgain(parts.state, async () => undefined).map(({ name }) => name);

  it('is enqueued later where it could not be, whatever happens meanwhile', async () => {
    await parts.put('shop', 'one');
    await expect(parts.run({ queue: { enqueue: noQueue } })).rejects.toThrow('no queue');
    expect(dueAgain()).toEqual(parts.keys().map((key) => `hydrate.${key}`));
    await expect(parts.run({ queue: { enqueue: noQueue } })).rejects.toThrow('no queue');
    parts.texts['shop'] = new FleetError('RenderFailed', 'no', { retryable: false });
    await parts.commit('dry2');
    parts.state.enqueued();
    await parts.run();
    expect(parts.state.enqueued()).toEqual([expect.stringMatching(/^source /u)]);
    expect([parts.pushes.length, dueAgain()]).toEqual([1, []]);
  });

  it('is enqueued where the hub was killed before it was', async () => {
    await parts.put('shop', 'one');
    const stop = new AbortController();
    const enqueue = async () => {
      stop.abort();
      throw new Error('killed');
    };
    const [key = ''] = parts.keys();
    await expect(runHydrate({ key }, parts.deps({ queue: { enqueue } }), stop.signal)).rejects.toThrow('killed');
    parts.state.enqueued();
    await parts.run();
    expect(parts.state.enqueued()).toEqual([expect.stringMatching(/^source /u)]);
  });

  it('is enqueued once', async () => {
    await parts.put('shop', 'one');
    parts.state.enqueued();
    await parts.run();
    await parts.run();
    expect(parts.state.enqueued()).toHaveLength(1);
    expect(dueAgain()).toEqual([]);
  });
});

/** The put of a hub that is killed after so many. */
function failingAfter(count: number, put: HubState['hydrations']['put']): HubState['hydrations']['put'] {
  let done = 0;
  return async (...args) => {
    done += 1;
    if (done > count) throw new Error('killed');
    return await put(...args);
  };
}

it('what is written of nobody any more is forgotten', async () => {
  await parts.put('shop', 'one');
  await parts.run();
  const [key = ''] = parts.keys();
  await parts.state.specs.delete('Application', 'argocd', 'shop');
  await runHydrate({ key }, parts.deps(), signal);
  expect(parts.state.hydrations.list()).toEqual([]);
  expect(parts.pushes).toHaveLength(1);
});

it('a look that is stopped records no failure', async () => {
  await parts.put('shop', 'one');
  const stop = new AbortController();
  const [key = ''] = parts.keys();
  const render = async () => {
    stop.abort();
    throw new FleetError('Aborted', 'stopped');
  };
  await expect(runHydrate({ key }, parts.deps({ render }), stop.signal)).rejects.toThrow('stopped');
  expect(parts.record()).toBeUndefined();
});
