import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import { beforeEach, describe, expect, it } from 'vitest';
import { createStatuses, type Statuses } from '../status/statuses.ts';
import { statusOf } from '../testing/hub-state.ts';
import { findHeard, forgetOrCarry, presentName } from './former-names.ts';
import type { Heard } from './presence.ts';
import type { ClusterRecord } from './records.ts';
import { createMemoryTable } from './testing/memory-records.ts';

const record = {
  name: 'a',
  server: 'https://a',
  labels: {},
  annotations: {},
  publicKey: 'UA',
  uid: 'u',
  enrolledAt: '',
};

let clusters: ReturnType<typeof createMemoryTable<ClusterRecord>>;
let heard: Map<string, Heard>;
let statuses: Statuses;

const names = () => ({ records: { clusters }, presence: { find: (name: string) => heard.get(name) } });
const beat = (name: string, at: number) => heard.set(name, { at, heartbeat: { cluster: name } as Heartbeat });
/** As a hub does with each status that NATS gives it. */
const report = (name: string, seq: number, fields = {}) =>
  statuses.record(presentName(name, names()), statusOf('shop', { seq, ...fields }), 0);
const found = (name: string) => statuses.find(name, 'shop')?.status.seq;

/** The hub's own part of a renaming, as each replica sees it. */
async function rename(from: string, to: string, formerNames: string[]): Promise<void> {
  const before = clusters.find(from);
  await clusters.put(to, { ...record, name: to, formerNames }, 0);
  await clusters.delete(from);
  const carry = (one: string, other: string) => {
    const last = heard.get(one);
    if (last) heard.set(other, last);
    heard.delete(one);
  };
  const presence = { carry, forget: (name: string) => void heard.delete(name) };
  const feed = { forget: () => undefined };
  forgetOrCarry({ name: from, before, after: undefined }, { presence, feed, statuses, records: { clusters } });
}

beforeEach(async () => {
  clusters = createMemoryTable<ClusterRecord>();
  heard = new Map();
  statuses = createStatuses(() => new Date(0));
  await clusters.put('a', record, 0);
  beat('a', 1);
  report('a', 1);
  await rename('a', 'b', ['a']);
});

describe('what an agent says that has not followed a renaming', () => {
  it('counts for the present name, and for no other', () => {
    expect([found('b'), found('a')]).toEqual([1, undefined]);
    report('a', 2);
    beat('a', 5);
    expect([found('b'), found('a')]).toEqual([2, undefined]);
    expect(findHeard('b', names())?.at).toBe(5);
  });

  it('counts after a second renaming too, however far behind it is', async () => {
    await rename('b', 'c', ['a', 'b']);
    report('a', 2);
    beat('a', 5);
    expect(['a', 'b', 'c'].map(found)).toEqual([undefined, undefined, 2]);
    expect(findHeard('c', names())?.at).toBe(5);
  });

  it('counts for a hub that starts later and was told of nothing', () => {
    statuses = createStatuses(() => new Date(0));
    heard.clear();
    beat('a', 5);
    report('a', 7);
    expect([found('b'), found('a')]).toEqual([7, undefined]);
    expect(findHeard('b', names())?.at).toBe(5);
  });

  it('gives way to what it says under the present name, and counts no more from then on', () => {
    report('a', 2);
    beat('b', 6);
    report('b', 1, { gen: 2 });
    beat('a', 9);
    report('a', 9, { gen: 3 });
    expect(statuses.find('b', 'shop')?.status).toMatchObject({ gen: 2, seq: 1 });
    expect(findHeard('b', names())?.at).toBe(6);
  });
});

it('a name that another cluster has got counts for that one', async () => {
  await clusters.delete('b');
  await clusters.put('c', { ...record, name: 'c', publicKey: 'UC', formerNames: ['x'] }, 0);
  await clusters.put('a', { ...record, publicKey: 'UA2' }, 0);
  report('a', 4);
  expect([found('a'), found('c')]).toEqual([4, undefined]);
});
