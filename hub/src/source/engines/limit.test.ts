import { abortable } from '@wheelhouse/shared/async/abort';
import { expect, test } from 'vitest';
import { toRemote } from '../remote.ts';
import type { Engine } from './engine.ts';
import { createNetworkLimit, limitEngine } from './limit.ts';

const remoteOf = (host: string) => toRemote({ url: `https://${host}/fleet.git` }, { rewrites: [], allowFile: false });
const forever = () => Promise.withResolvers<never>().promise;
const never = new AbortController().signal;

test('a host that gives no answer leaves room for another', async () => {
  const limit = createNetworkLimit(2);
  for (let index = 0; index < 8; index += 1) void limit(remoteOf('dead.example'), forever, never);
  expect(await limit(remoteOf('git.example'), async () => 'answered', never)).toBe('answered');
});

test('all hosts together do no more than the limit', async () => {
  const limit = createNetworkLimit(2);
  const started: string[] = [];
  const begin = (host: string) => void limit(remoteOf(host), async () => await (started.push(host), forever()), never);
  for (const host of ['a.example', 'b.example', 'c.example']) begin(host);
  await new Promise(setImmediate);
  expect(started).toEqual(['a.example', 'b.example']);
});

/** An engine that never answers, as long as it is let. */
function silentEngine(): { engine: Engine; remotes: string[] } {
  const remotes: string[] = [];
  const listRefs: Engine['listRefs'] = async (remote, signal) => {
    remotes.push(remote.host);
    return await abortable(forever(), signal);
  };
  return { engine: { name: 'native', create: forever, fetch: forever, listRefs }, remotes };
}

test('who waits for room leaves when the signal aborts, unasked', async () => {
  const { engine, remotes } = silentEngine();
  const limited = limitEngine(engine, { limit: createNetworkLimit(2), timeoutMs: 60_000 });
  void limited.listRefs(remoteOf('git.example'), never);
  const stop = new AbortController();
  const waiting = limited.listRefs(remoteOf('git.example'), stop.signal);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  expect(remotes).toEqual(['git.example']);
});

test('time that is waited for room is none in which a host gave no answer', async () => {
  const { engine, remotes } = silentEngine();
  const limited = limitEngine(engine, { limit: createNetworkLimit(2), timeoutMs: 50 });
  const late = { code: 'Timeout' };
  await Promise.all(
    [1, 2].map(() => expect(limited.listRefs(remoteOf('git.example'), never)).rejects.toMatchObject(late)),
  );
  expect(remotes).toHaveLength(2);
});
