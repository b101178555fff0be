import { describe, expect, it } from 'vitest';
import { assertAnnotations, assertLabels, changeMetadata } from './metadata.ts';
import { allowedLabels, newOwnLabels } from './own-labels.ts';
import type { ClusterRecord } from './records.ts';

const record: ClusterRecord = {
  name: 'eu-1',
  server: 'https://eu-1.example',
  labels: { region: 'eu', tier: 'prod' },
  annotations: { owner: 'payments' },
  publicKey: 'U',
  uid: 'u',
  enrolledAt: '2026-01-01T00:00:00.000Z',
};
const author = { by: 'ann', reason: 'drill', at: '2026-01-02T00:00:00.000Z' };

describe('a change of labels and annotations', () => {
  it('sets, removes, and is remembered with who, when and why', () => {
    const changed = changeMetadata(
      record,
      { labels: { role: 'standby', tier: null, region: 'eu' }, annotations: { owner: 'core' } },
      author,
    );
    expect(changed).toMatchObject({
      labels: { region: 'eu', role: 'standby' },
      annotations: { owner: 'core' },
      labelled: { at: author.at, by: 'ann' },
      history: [
        {
          ...author,
          labels: { role: [null, 'standby'], tier: ['prod', null] },
          annotations: { owner: ['payments', 'core'] },
        },
      ],
    });
    expect(Object.keys(changed.labels)).toEqual(['region', 'role']);
  });

  it.each([
    ['a value that is there already', { labels: { region: 'eu' } }],
    ['the removal of what is not there', { labels: { gone: null }, annotations: { gone: null } }],
    ['nothing', {}],
  ])('of %s changes nothing', (_, change) => {
    expect(changeMetadata(record, change, author)).toBe(record);
  });

  it('keeps the last 50', () => {
    let current = record;
    for (let turn = 0; turn < 60; turn += 1)
      current = changeMetadata(current, { labels: { turn: String(turn) } }, author);
    expect(current.history).toHaveLength(50);
    expect(current.history?.at(-1)?.labels).toEqual({ turn: ['58', '59'] });
  });

  it('of annotations alone does not say that somebody labelled', () => {
    expect(changeMetadata(record, { annotations: { a: 'b' } }, author).labelled).toBeUndefined();
  });
});

describe('labels and annotations', () => {
  it.each([
    ['wheelhouse.dev/x', 'v', 'Forbidden'],
    ['not a key', 'v', 'Invalid'],
    ['', 'v', 'Invalid'],
    ['key', 'not a value', 'Invalid'],
    ['key', 'x'.repeat(64), 'Invalid'],
  ])('label %j=%j is %s', (key, value, code) => {
    expect(() => assertLabels('eu-1', { [key]: value })).toThrow(expect.objectContaining({ code }));
  });

  it('may be removed, and annotations may hold any text of a sane size', () => {
    assertLabels('eu-1', { key: null, 'example.com/a.b_c': '' });
    assertAnnotations('eu-1', { note: 'any text: ä\n', gone: null });
    expect(() => assertAnnotations('eu-1', { note: 'x'.repeat(300_000) })).toThrow(/larger than/);
    expect(() => assertAnnotations('eu-1', { 'wheelhouse.dev/x': '' })).toThrow(/belongs to the hub/);
    expect(() => assertAnnotations('eu-1', { '-x': '' })).toThrow(/not a valid annotation name/);
  });
});

describe('labels that an agent reports', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const allowing = { allowedLabels: { region: ['eu', 'us'], rack: ['*'] } };
  it.each<[string, Partial<ClusterRecord>, Record<string, string> | undefined, object]>([
    ['are refused when nothing is allowed', {}, { region: 'eu' }, { accepted: {}, refused: ['region'] }],
    ['are taken by name and value', allowing, { region: 'eu' }, { accepted: { region: 'eu' }, refused: [] }],
    ['are refused with another value', allowing, { region: 'ap' }, { accepted: {}, refused: ['region'] }],
    ['may have any value where that is allowed', allowing, { rack: '7' }, { accepted: { rack: '7' }, refused: [] }],
    ['are not those of every object', allowing, { constructor: 'x' }, { accepted: {}, refused: ['constructor'] }],
    ['may be none', allowing, undefined, { accepted: {}, refused: [] }],
  ])('%s', (...[, allowed, reported, result]) => {
    expect(allowedLabels(allowed, reported)).toEqual(result);
  });

  it('count once: what a person set since stands until the agent says something else', () => {
    const own = { ...allowing, ownLabels: { region: 'eu' } };
    expect(newOwnLabels(own, { region: 'eu', rack: '1' }, now)).toEqual({ rack: '1' });
    expect(newOwnLabels(own, { region: 'us' }, now)).toEqual({ region: 'us' });
    expect(newOwnLabels(own, {}, now)).toEqual({});
  });

  it('that are held are judged again after an hour', () => {
    const heldLabels = { labels: { rack: '1' }, at: now.toISOString(), reason: 'an ApplicationSet failed' };
    const after = (minutes: number, rack: string) =>
      newOwnLabels({ ...allowing, heldLabels }, { rack }, new Date(now.getTime() + minutes * 60_000));
    expect(after(59, '1')).toEqual({});
    expect(after(60, '1')).toEqual({ rack: '1' });
    expect(after(1, '2')).toEqual({ rack: '2' });
  });
});
