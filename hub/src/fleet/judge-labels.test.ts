import { describe, expect, it } from 'vitest';
import { judgeLabels, type Verdict } from './judge-labels.ts';

type Labels = Readonly<Record<string, string>>;
type Reported = ReadonlyMap<string, Labels>;

/** A judge that counts what it is asked. */
function judging(moves: (labels: Reported) => string[], isVague = false) {
  const asked: Reported[] = [];
  const judge = async (labels: Reported): Promise<Verdict | undefined> => {
    asked.push(labels);
    const clusters = moves(labels);
    if (clusters.length === 0) return undefined;
    return { reason: `${clusters.length} Applications would leave`, clusters: new Set(isVague ? [] : clusters) };
  };
  return { asked, judge };
}

const named = (count: number, labels: Labels) =>
  new Map(Array.from({ length: count }, (_one, place) => [`c-${place}`, labels] as const));
const having = (labels: Reported, key: string, value: string) =>
  [...labels].filter(([, own]) => own[key] === value).map(([cluster]) => cluster);
const heldBy = (held: ReadonlyMap<string, Labels>) =>
  [...held].map(([cluster, reasons]) => `${cluster}: ${Object.keys(reasons).join(',')}`);

describe('labels of many agents', () => {
  it('that move nothing are judged together, with few questions', async () => {
    const { asked, judge } = judging(() => []);
    expect(await judgeLabels(named(10_000, { rack: '7' }), judge)).toEqual(new Map());
    expect(asked.length).toBe(1 + 2 * 14);
  });

  it('are held where they move something, and all others are taken', async () => {
    const reported = new Map<string, Labels>(named(1_000, { rack: '7' }));
    for (const name of ['c-3', 'c-700']) reported.set(name, { rack: '7', role: 'active' });
    const { asked, judge } = judging((labels) => having(labels, 'role', 'active'));
    expect(heldBy(await judgeLabels(reported, judge)).sort()).toEqual(['c-3: role', 'c-700: role']);
    expect(asked.length).toBeLessThan(60);
  });

  it('are told apart from the cluster that something would arrive at', async () => {
    const reported = named(4, { role: 'standby' });
    const { judge } = judging((labels) => (labels.has('c-2') ? ['c-2', 'c-1'] : []));
    const held = await judgeLabels(reported, judge);
    expect([...held]).toEqual([['c-2', { role: '2 Applications would leave' }]]);
  });

  it('are held together, and not one by one, when too many move something', async () => {
    const { asked, judge } = judging((labels) => having(labels, 'role', 'standby'));
    const reported = new Map([...named(5_000, { role: 'standby' }), ['other', { rack: '7' }]]);
    const held = await judgeLabels(reported, judge);
    expect([held.size, held.has('other')]).toEqual([5_000, false]);
    expect(held.get('c-0')).toEqual({ role: '5000 Applications would leave, by labels of 5000 clusters together' });
    expect(asked.length).toBeLessThan(40);
  });

  it('of two clusters that exchange their places are held, though together they move nothing', async () => {
    const reported = new Map([...named(100, { rack: '7' }), ['a', { slot: '2' }], ['b', { slot: '1' }]]);
    const { judge } = judging((labels) => (labels.has('a') === labels.has('b') ? [] : ['a', 'b']));
    expect(heldBy(await judgeLabels(reported, judge)).sort()).toEqual(['a: slot', 'b: slot']);
  });

  it('that move something only together are held together', async () => {
    const reported = new Map([...named(50, { rack: '7' }), ['a', { slot: '2' }], ['b', { slot: '2' }]]);
    const { judge } = judging((labels) => (labels.has('a') && labels.has('b') ? ['a', 'b'] : []));
    expect(heldBy(await judgeLabels(reported, judge)).sort()).toEqual(['a: slot', 'b: slot']);
  });

  it('of two keys that move something only together are held together', async () => {
    const moves = (labels: Reported) => having(labels, 'role', 'active').filter((name) => labels.get(name)?.['rack']);
    const held = await judgeLabels(named(1, { role: 'active', rack: '7' }), judging(moves).judge);
    expect(heldBy(held)).toEqual(['c-0: role,rack']);
  });

  it('are all held, with few questions, while nobody knows what they would do', async () => {
    const { asked, judge } = judging(({ size }) => (size > 0 ? ['x'] : []), true);
    expect((await judgeLabels(named(10_000, { rack: '7', role: 'active' }), judge)).size).toBe(10_000);
    expect(asked.length).toBeLessThan(10);
  });

  it.each([1, 2, 3, 7, 8, 9, 33])(
    'leave what moves nothing in whatever order it is set: %i clusters',
    async (count) => {
      // each pair of neighbours exchanges something
      const { judge } = judging((labels) =>
        [...labels.keys()].filter((name) => {
          const place = Number(name.slice(2));
          const other = `c-${place ^ 1}`;
          return (place ^ 1) < count && !labels.has(other);
        }),
      );
      const held = await judgeLabels(named(count, { slot: 'x' }), judge);
      expect(held.has(`c-${count - 1}`)).toBe(count % 2 === 0);
      expect(held.size).toBe(count - (count % 2));
    },
  );
});
