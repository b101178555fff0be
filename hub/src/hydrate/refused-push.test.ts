import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { beforeEach, describe, expect, it } from 'vitest';
import { branchesDueAgain } from './again.ts';
import type { Written } from './branches.ts';
import { runHydrate } from './hydrate-stage.ts';
import { whyNotHydrated } from './hydration-status.ts';
import { hydratedApplication } from './testing/hydrated-application.ts';
import { by, createHydrating, type Hydrating } from './testing/hydrating.ts';

let parts: Hydrating;
let code: FleetError['code'] | undefined;

/** A server that takes no push, or each of them; every push is another commit. */
beforeEach(async () => {
  parts = await createHydrating();
  code = 'PushRefused';
  parts.answer = async (wanted): Promise<Written> => {
    const written = { sha: `try${parts.pushes.length}`, changed: ['shop'] };
    await wanted.announce(written);
    if (code) throw new FleetError(code, 'the branch is protected', { retryable: code === 'Timeout' });
    return { ...written, changed: [] };
  };
  await parts.put('shop', 'one');
});

const minutes = (count: number) => parts.state.pass(count * 60_000);
const waitMs = () => Date.parse(parts.record()?.retry?.at ?? '') - parts.state.now().getTime();
const lines = () =>
  (parts.audited as { action: string; details: { commit: string } }[]).map(
    ({ action, details }) => `${action.split(' ')[0]} ${details.commit}`,
  );

describe('a refused push', () => {
  it('is not tried again before its time, which doubles up to a bound', async () => {
    const waits: number[] = [];
    for (let refusal = 1; refusal <= 9; refusal += 1) {
      await parts.run();
      expect(parts.record()?.retry).toMatchObject({ code: 'PushRefused', failures: refusal });
      waits.push(waitMs() / 60_000);
      parts.state.pass(waitMs() - 1);
      await parts.run();
      expect(parts.pushes).toHaveLength(refusal);
      parts.state.pass(1);
    }
    expect(waits).toEqual([1, 1.5, 2.5, 4.5, 8.5, 16.5, 30.5, 30.5, 30.5]);
  });

  it('is told with its reason and when it is tried again', async () => {
    await parts.run();
    const record = parts.record();
    expect(record && whyNotHydrated('shop', record)).toMatch(
      /^the branch is protected \(failed once; tried again after 2026-01-01T00:01:00\.000Z, or at once with/u,
    );
    minutes(2);
    await parts.run();
    const next = parts.record();
    expect(next && whyNotHydrated('shop', next)).toMatch(/failed 2 times; tried again after 2026-01-01T00:03:30/u);
  });

  it('makes its branch due when it is time, and not before', async () => {
    await parts.run();
    const due: string[] = [];
    const names = () =>
      branchesDueAgain(parts.state, async (stage, triggers) => void due.push(stage, ...triggers.map(({ key }) => key)));
    expect(names()).toEqual([]);
    minutes(1);
    const [retry] = names();
    await retry?.run();
    expect(due).toEqual(['hydrate', ...parts.keys()]);
  });

  it.each<[string, () => Promise<void>]>([
    ['a dry commit', async () => await parts.commit('dry2')],
    ['another spec', async () => await parts.put('shop', 'one', { path: 'elsewhere' })],
    ['an Application that joins', async () => await parts.put('till', 'one')],
    ['another login', async () => void (parts.writer = 'two')],
    [
      'the annotation',
      async () => {
        const annotations = { 'argocd.argoproj.io/hydrate': 'normal' };
        await parts.state.specs.put(hydratedApplication('shop', {}, { metadata: { annotations } }), by);
      },
    ],
    [
      'a hard refresh',
      async () =>
        await parts.state.hydrations.request({
          branchKey: parts.keys()[0] ?? '',
          at: parts.state.now().toISOString(),
        }),
    ],
  ])('is tried at once with %s, and begins to wait anew', async (_name, change) => {
    await parts.run();
    minutes(2);
    await parts.run();
    expect(parts.record()?.retry?.failures).toBe(2);
    await change();
    await parts.run();
    expect(parts.pushes).toHaveLength(3);
    expect(parts.record()?.retry?.failures).toBe(1);
  });

  it('is tried at once with other settings', async () => {
    await parts.run();
    await parts.run({ settings: () => ({ authorName: 'Ann', authorEmail: 'ann@example.com' }) });
    expect(parts.pushes).toHaveLength(2);
  });

  it('is forgotten once it got through', async () => {
    await parts.run();
    code = undefined;
    minutes(2);
    await parts.run();
    expect(parts.record()).toMatchObject({ phase: 'Hydrated', hydratedSHA: 'try2' });
    expect(parts.record()).not.toHaveProperty('retry');
    expect(parts.record()).not.toHaveProperty('untold');
  });
});

it('a failure that may pass is the queue to try again, and waits for nothing', async () => {
  code = 'Timeout';
  await expect(parts.run()).rejects.toThrow('protected');
  expect(parts.record()).not.toHaveProperty('retry');
  await expect(parts.run()).rejects.toThrow('protected');
  expect(lines()).toEqual(['push try1', 'fail try1', 'push try2', 'fail try2']);
});

describe('the audit stream', () => {
  it('holds a refusal once, however often it comes again', async () => {
    for (let count = 0; count < 4; count += 1) {
      await parts.run();
      minutes(60);
    }
    expect(parts.pushes).toHaveLength(4);
    expect(lines()).toEqual(['push try1', 'fail try1']);
  });

  it('holds the push that gets through after refusals', async () => {
    await parts.run();
    code = undefined;
    minutes(2);
    await parts.run();
    expect(lines()).toEqual(['push try1', 'fail try1', 'push try2']);
  });

  it('holds another failure of the same push', async () => {
    await parts.run();
    code = 'RepositoryAuthentication';
    minutes(2);
    await parts.run();
    minutes(5);
    await parts.run();
    expect(lines()).toEqual(['push try1', 'fail try1', 'push try2', 'fail try2']);
  });

  /** A refused push is tried again, by a hub that is killed before it knows what became of it. */
  const kill = async () => {
    await parts.run();
    minutes(2);
    const stop = new AbortController();
    parts.answer = async (wanted) => {
      await wanted.announce({ sha: 'got through', changed: ['shop'] });
      stop.abort();
      throw new Error('killed');
    };
    const [key = ''] = parts.keys();
    await expect(runHydrate({ key }, parts.deps(), stop.signal)).rejects.toThrow('killed');
    expect(lines()).toEqual(['push try1', 'fail try1']);
    parts.answer = async () => ({ sha: 'got through', changed: [] });
    return key;
  };

  it('holds a push whose hub was killed before it knew what became of it', async () => {
    await kill();
    await parts.run();
    expect(lines()).toEqual(['push try1', 'fail try1', 'push got through']);
    expect(parts.record()).not.toHaveProperty('untold');
  });

  it('holds it also when nothing is written there any more', async () => {
    const key = await kill();
    await parts.state.specs.delete('Application', 'argocd', 'shop');
    await runHydrate({ key }, parts.deps(), new AbortController().signal);
    expect(parts.record()).toBeUndefined();
    expect(lines()).toEqual(['push try1', 'fail try1', 'push got through']);
    expect(parts.audited.at(-1)).toMatchObject({ object: (parts.audited[0] as { object: string }).object });
  });
});
