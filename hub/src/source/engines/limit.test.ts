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

test('who waits for room leaves when the signal aborts, unasked', async () => {
  let asked = 0;
  const engine: Engine = {
    name: 'native',
    create: forever,
    fetch: forever,
    listRefs: async () => {
      asked += 1;
      return await forever();
    },
  };
  const limited = limitEngine(engine, createNetworkLimit(2));
  void limited.listRefs(remoteOf('git.example'), never);
  const stop = new AbortController();
  const waiting = limited.listRefs(remoteOf('git.example'), stop.signal);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  expect(asked).toBe(1);
});
