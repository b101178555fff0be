import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { SourceHydrator } from '@wheelhouse/shared/resources/application-source';
import { beforeEach, describe, expect, it } from 'vitest';
import { createHubState, type HubState, logger, outcomeOf, repoURL } from '../testing/hub-state.ts';
import type { BranchWrite, Written } from './branches.ts';
import { type HydrateDeps, runHydrate } from './hydrate-stage.ts';
import { hydratedApplication } from './testing/hydrated-application.ts';

const signal = new AbortController().signal;
const by = { by: 'ann' };
const branch = 'environments/east';
const main = { repoURL, targetRevision: 'main' };
const configMap = (name: string, text: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { text },
});

let state: HubState;
/** What the dry source of each Application comes to: text, or why it does not render. */
let texts: Record<string, string | FleetError>;
/** Requests that were rendered, by what they held then. */
let current: Map<string, string>;
let pushes: { at: object; wanted: BranchWrite }[];
let answer: (wanted: BranchWrite) => Written;
let bundles: Map<string, Buffer>;
let audited: object[];
let outcomes: string[];

beforeEach(async () => {
  state = await createHubState();
  texts = {};
  current = new Map();
  pushes = [];
  bundles = new Map();
  audited = [];
  outcomes = [];
  answer = ({ folders }) => ({ sha: `wet${pushes.length}`, changed: folders.map(({ path }) => path) });
  await commit('dry1');
});

const commit = async (sha: string) => {
  await state.derived.putRevision({ ...main, sha, message: `Change ${sha}`, author: 'Ann <ann@example.com>' });
  current.clear();
};

async function put(name: string, text: string | FleetError, hydrator: Partial<SourceHydrator['syncSource']> = {}) {
  texts[name] = text;
  await state.specs.put(hydratedApplication(name, { sync: hydrator }), by);
  const names = Object.keys(texts);
  await state.derived.putDiscovery({ ...main, types: Object.fromEntries(names.map((one) => [one, 'Kustomize'])) });
}

function nameOf(requestKey: string): string {
  return state.applications.byRequest(requestKey)[0]?.application.metadata.name ?? '';
}

/** As the stage that renders: records the outcome of what lies there now. */
async function render(key: string) {
  const text = texts[nameOf(key)];
  const before = state.derived.render(key);
  if (text instanceof FleetError) {
    const { code, message } = text;
    await state.derived.putRender({ requestKey: key, kinds: [], warnings: [], ...before, problem: { code, message } });
    if (text.retryable) throw text;
    return;
  }
  const bytes = Buffer.from(canonicalJson([configMap(nameOf(key), text ?? '')]));
  bundles.set(digestOf(bytes), bytes);
  current.set(key, digestOf(bytes));
  await state.derived.putRender(outcomeOf(key, digestOf(bytes)));
}

function deps(fields: Partial<HydrateDeps> = {}): HydrateDeps {
  return {
    logger,
    ...state,
    open: async () => ({ sha: '', [Symbol.dispose]: () => undefined }) as never,
    resolve: async () => undefined,
    renderer: { stillValid: async ({ requestKey, digest }) => current.get(requestKey) === digest },
    render: async ({ key }) => await render(key),
    bundle: async (digest) => bundles.get(digest) ?? Buffer.from('[]'),
    branches: {
      write: async (at, wanted) => {
        pushes.push({ at, wanted });
        const written = answer(wanted);
        if (written.changed.length > 0) await wanted.announce(written);
        return written;
      },
    },
    settings: () => ({ authorName: 'Bot', authorEmail: 'bot@example.com' }),
    audit: async (entry) => void audited.push(entry),
    observe: ({ outcome }) => void outcomes.push(outcome),
    ...fields,
  };
}

const keys = () => [...new Set([...state.applications.list()].flatMap(({ hydration }) => hydration?.branchKey ?? []))];
const run = async (fields: Partial<HydrateDeps> = {}) => {
  for (const key of keys()) await runHydrate({ key }, deps(fields), signal);
};
const record = () => state.hydrations.list()[0];
const folders = () => pushes.at(-1)?.wanted.folders.map(({ path }) => path);

describe('what is written', () => {
  it('is what the dry source comes to, recorded with both commits, audited, and looked at', async () => {
    await put('shop', 'one');
    state.enqueued();
    await run();
    expect(pushes).toMatchObject([
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
    expect(record()).toMatchObject({
      phase: 'Hydrated',
      drySHA: 'dry1',
      hydratedSHA: 'wet1',
      last: { drySHA: 'dry1' },
    });
    expect(audited).toMatchObject([
      {
        by: 'source hydrator',
        action: 'push hydrated manifests',
        details: { commit: 'wet1', drySHA: 'dry1', folders: ['shop'] },
      },
    ]);
    expect(state.enqueued()).toEqual([expect.stringMatching(/^source /u)]);
    expect(outcomes).toEqual(['pushed']);
  });

  it('is all of a branch and a dry revision in one commit', async () => {
    await put('shop', 'one');
    await put('till', 'one');
    await run();
    expect(pushes).toHaveLength(1);
    expect(folders()).toEqual(['shop', 'till']);
  });

  it('is of another branch apart', async () => {
    await put('shop', 'one');
    await put('till', 'one', { targetBranch: 'environments/west' });
    await run();
    expect(pushes.map(({ wanted }) => wanted.branch).sort()).toEqual([branch, 'environments/west']);
  });

  it('is not looked at again as long as nothing changes', async () => {
    await put('shop', 'one');
    await run();
    const before = record();
    state.pass(60_000);
    await run();
    expect(pushes).toHaveLength(1);
    expect(record()).toBe(before);
  });

  it('is compared with the branch at another dry commit, which is told even when nothing is pushed', async () => {
    await put('shop', 'one');
    await run();
    await commit('dry2');
    answer = () => ({ sha: 'wet1', changed: [] });
    await run();
    expect(record()).toMatchObject({ phase: 'Hydrated', drySHA: 'dry2', hydratedSHA: 'wet1' });
    expect(outcomes).toEqual(['pushed', 'unchanged']);
    expect(audited).toHaveLength(1);
  });

  it('is only what is new when an Application joins at a commit that is written already', async () => {
    await put('shop', 'one');
    await run();
    await put('till', 'one');
    await run();
    expect(folders()).toEqual(['till']);
  });

  it('is everything when somebody asks for it, once', async () => {
    await put('shop', 'one');
    await run();
    state.pass(1_000);
    await state.hydrations.request({ branchKey: keys()[0] ?? '', at: state.now().toISOString() });
    state.pass(1_000);
    await run();
    await run();
    expect(pushes).toHaveLength(2);
    expect(folders()).toEqual(['shop']);
  });

  it('is nothing at a commit that was written for the same branch, but for what is new', async () => {
    await put('shop', 'one');
    await run();
    await commit('wet1');
    await run();
    expect(pushes).toHaveLength(1);
    texts['shop'] = 'two';
    await commit('wet1');
    await run();
    expect(folders()).toEqual(['shop']);
    expect(pushes).toHaveLength(2);
  });

  it('begins where all of it is merged to, or with nothing', async () => {
    const staged = async (name: string, targetBranch: string) => {
      texts[name] = 'one';
      await state.specs.put(hydratedApplication(name, { sync: { targetBranch }, hydrateTo: 'next' }), by);
      await state.derived.putDiscovery({ ...main, types: { shop: 'Kustomize', till: 'Kustomize' } });
    };
    await staged('shop', 'east');
    await run();
    expect(pushes.at(-1)?.wanted).toMatchObject({ branch: 'next', syncBranch: 'east' });
    await staged('till', 'west');
    await run();
    expect(pushes.at(-1)?.wanted).toMatchObject({ branch: 'next', syncBranch: 'next' });
  });
});

describe('nothing is written', () => {
  const refused = new FleetError('RenderFailed', 'kustomize build failed', { retryable: false });

  it('when one does not render, and all say so', async () => {
    await put('shop', 'one');
    await put('till', refused);
    await run();
    expect(pushes).toEqual([]);
    expect(record()).toMatchObject({
      phase: 'Failed',
      drySHA: 'dry1',
      message: expect.stringContaining('because application till of the same branch cannot be') as string,
      failures: { till: 'kustomize build failed' },
    });
  });

  it('when one does not render for now: the job is tried again', async () => {
    await put('shop', new FleetError('RepositoryUnreachable', 'base cannot be reached'));
    await expect(run()).rejects.toThrow('base cannot be reached');
    expect(record()).toMatchObject({ phase: 'Failed', failures: { shop: 'base cannot be reached' } });
  });

  it('as long as nobody looked what lies there', async () => {
    await put('shop', 'one');
    await put('till', 'one');
    await state.derived.putDiscovery({ ...main, types: { shop: 'Kustomize' } });
    await run();
    expect(pushes).toEqual([]);
    expect(record()?.phase).toBe('Hydrating');
  });

  it('for two Applications of one folder, whatever they are made of', async () => {
    await put('shop', 'one');
    await put('till', 'one', { path: 'a/../shop' });
    await run();
    expect(pushes).toEqual([]);
    expect(record()?.failures).toMatchObject({
      shop: expect.stringContaining('is also that of till') as string,
      till: expect.stringContaining('is also that of shop') as string,
    });
  });

  it('of a render that holds Secrets, though its project allows them', async () => {
    await put('shop', 'one');
    await run();
    await commit('dry2');
    const { key = '' } = [...state.applications.list()][0]?.hydration?.dry.request ?? {};
    const digest = state.derived.render(key)?.record?.digest ?? '';
    current.set(key, digest);
    await state.derived.putRender(outcomeOf(key, digest, { holdsSecrets: true }));
    await run();
    expect(pushes).toHaveLength(1);
    expect(record()?.failures?.['shop']).toMatch(/never written to Git, whatever its project allows/u);
  });

  it('of a dry revision that was never resolved', async () => {
    await put('shop', 'one');
    await state.derived.deleteRevision(main);
    await state.derived.putRevision({ ...main, problem: { code: 'RevisionNotFound', message: 'there is no main' } });
    await run();
    expect(record()).toMatchObject({ phase: 'Failed', message: 'there is no main' });
  });

  it('when another commit came meanwhile: that is another attempt', async () => {
    await put('shop', 'one');
    await run({
      render: async ({ key }) => {
        await render(key);
        await state.derived.putRevision({ ...main, sha: 'dry2' });
      },
    });
    expect([pushes, record()]).toEqual([[], undefined]);
  });
});

describe('a failed push', () => {
  const fail = (error: FleetError) => {
    answer = () => {
      throw error;
    };
  };

  it('that no attempt mends is recorded, and the last success stays', async () => {
    await put('shop', 'one');
    await run();
    await commit('dry2');
    fail(new FleetError('PushRefused', 'the branch is protected'));
    await run();
    expect(record()).toMatchObject({
      phase: 'Failed',
      message: 'the branch is protected',
      drySHA: 'dry2',
      last: { drySHA: 'dry1', hydratedSHA: 'wet1' },
    });
    expect(outcomes).toEqual(['pushed', 'failed']);
  });

  it('that goes on is told once, and audited with each push that came to nothing', async () => {
    await put('shop', 'one');
    answer = (wanted) => {
      void wanted.announce({ sha: `try${pushes.length}`, changed: ['shop'] });
      throw new FleetError('PushRefused', 'the branch is protected');
    };
    await run();
    const before = record();
    state.pass(60_000);
    await run();
    expect(record()).toBe(before);
    expect(audited).toMatchObject(
      ['try1', 'try2'].flatMap((commit) => [
        { action: 'push hydrated manifests', details: { commit } },
        { action: 'fail to push hydrated manifests', details: { commit, code: 'PushRefused' } },
      ]),
    );
  });

  it('that another may mend is thrown', async () => {
    await put('shop', 'one');
    fail(new FleetError('RepositoryUnreachable', 'no answer'));
    await expect(run()).rejects.toThrow('no answer');
    expect(record()).toMatchObject({ phase: 'Failed', message: 'no answer' });
  });

  it('is tried again by the next look', async () => {
    await put('shop', 'one');
    fail(new FleetError('PushRefused', 'the branch is protected'));
    await run();
    answer = () => ({ sha: 'wet9', changed: ['shop'] });
    await run();
    expect(record()).toMatchObject({ phase: 'Hydrated', hydratedSHA: 'wet9' });
  });

  it('of what follows a push is not told as one of the push', async () => {
    await put('shop', 'one');
    const enqueue = async () => {
      throw new FleetError('QueueUnavailable', 'no queue');
    };
    await expect(run({ queue: { enqueue } })).rejects.toThrow('no queue');
    expect(audited).toMatchObject([{ action: 'push hydrated manifests', details: { commit: 'wet1' } }]);
    await run();
    expect(record()).toMatchObject({ phase: 'Hydrated', hydratedSHA: 'wet1' });
  });

  it('whose record was lost is found in the branch', async () => {
    await put('shop', 'one');
    await expect(
      run({ hydrations: { ...state.hydrations, put: failingAfter(1, state.hydrations.put) } }),
    ).rejects.toThrow('killed');
    answer = () => ({ sha: 'wet1', changed: [] });
    await run();
    expect(record()).toMatchObject({ phase: 'Hydrated', drySHA: 'dry1', hydratedSHA: 'wet1' });
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
  await put('shop', 'one');
  await run();
  const [key = ''] = keys();
  await state.specs.delete('Application', 'argocd', 'shop');
  await runHydrate({ key }, deps(), signal);
  expect(state.hydrations.list()).toEqual([]);
  expect(pushes).toHaveLength(1);
});

it('a look that is stopped records no failure', async () => {
  await put('shop', 'one');
  const stop = new AbortController();
  const [key = ''] = keys();
  const render = async () => {
    stop.abort();
    throw new FleetError('Aborted', 'stopped');
  };
  await expect(runHydrate({ key }, deps({ render }), stop.signal)).rejects.toThrow('stopped');
  expect(record()).toBeUndefined();
});
