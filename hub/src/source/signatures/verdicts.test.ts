import { describe, expect, it } from 'vitest';
import { createVerdicts, type Judged, verdictKey } from './verdicts.ts';

const signal = new AbortController().signal;
const commit: Judged = {
  url: 'https://git.example/team/app.git',
  sha: 'a'.repeat(40),
  policy: { mode: 'head', keys: ['A'] },
  keys: { A: 'armoured' },
};

describe('createVerdicts', () => {
  it.each<[string, Partial<Judged>, number]>([
    ['once for all who ask meanwhile, and keeps it of a commit', {}, 1],
    ['once for all who ask meanwhile, and looks again at a tag', { tag: 'refs/tags/v1' }, 2],
  ])('judges %s', async (_name, fields, expected) => {
    const verdicts = createVerdicts();
    const { promise, resolve } = Promise.withResolvers<string>();
    let judgements = 0;
    const judge = async () => {
      judgements += 1;
      return await promise;
    };
    const judged = { ...commit, ...fields };
    const both = Promise.all([verdicts.reach(judged, signal, judge), verdicts.reach(judged, signal, judge)]);
    resolve('not signed');
    expect(await both).toEqual(['not signed', 'not signed']);
    expect(judgements).toBe(1);
    expect(await verdicts.reach(judged, signal, judge)).toBe('not signed');
    expect(judgements).toBe(expected);
  });

  it('keeps what was accepted as well, and no error', async () => {
    const verdicts = createVerdicts();
    await expect(verdicts.reach(commit, signal, async () => await Promise.reject(new Error('away')))).rejects.toThrow(
      'away',
    );
    expect(await verdicts.reach(commit, signal, async () => undefined)).toBeUndefined();
    expect(await verdicts.reach(commit, signal, async () => 'not asked')).toBeUndefined();
  });

  it('lets one go whose signal aborts, while others wait on', async () => {
    const verdicts = createVerdicts();
    const stop = new AbortController();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const gone = verdicts.reach(commit, stop.signal, async () => await promise);
    const stays = verdicts.reach(commit, signal, async () => 'not asked');
    stop.abort();
    await expect(gone).rejects.toMatchObject({ code: 'Aborted' });
    resolve(undefined);
    expect(await stays).toBeUndefined();
  });
});

describe('verdictKey', () => {
  it.each<[string, Partial<Judged>]>([
    ['another repository', { url: 'https://git.example/other.git' }],
    ['another commit', { sha: 'b'.repeat(40) }],
    ['a tag', { tag: 'refs/tags/v1' }],
    ['another policy', { policy: { mode: 'strict', keys: ['A'] } }],
    ['another keyring', { keys: { A: 'armoured anew' } }],
  ])('differs for %s', (_name, fields) => {
    expect(verdictKey({ ...commit, ...fields })).not.toBe(verdictKey(commit));
  });

  it('is as short for a keyring of a megabyte', () => {
    expect(verdictKey({ ...commit, keys: { A: 'x'.repeat(1 << 20) } })).toHaveLength(verdictKey(commit).length);
  });
});
