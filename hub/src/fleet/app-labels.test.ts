import { describe, expect, it } from 'vitest';
import { appsRelabelled, changeAppLabels, labelsFor, readAppSelector } from './app-labels.ts';
import type { ClusterRecord } from './records.ts';

const author = { by: 'ann', at: '2026-01-01T00:00:00.000Z', reason: 'drill' };
const apps = 'app=cart';

function record(fields: Partial<ClusterRecord> = {}): ClusterRecord {
  return {
    name: 'eu-1',
    server: 'https://eu-1',
    labels: { region: 'eu', role: 'active' },
    annotations: {},
    publicKey: 'U',
    uid: 'u',
    enrolledAt: author.at,
    ...fields,
  };
}

describe('a selector of Applications', () => {
  it.each([
    ['in another order', 'b!=2, a=1', 'a=1,b!=2'],
    ['with sets', 'c notin (z,y),a in (2,1),!d,e', '!d,a in (1,2),c notin (y,z),e'],
    ['as a set of one', 'a in (1)', 'a=1'],
    ['said twice', 'a=1,a=1', 'a=1'],
  ])('%s has one form', (_name, text, expected) => {
    expect(readAppSelector(text)).toBe(expected);
    expect(readAppSelector(expected)).toBe(expected);
  });

  it.each(['', ' , ', 'a b c'])('%j is refused', (text) => {
    expect(() => readAppSelector(text)).toThrow(expect.objectContaining({ code: 'Invalid' }));
  });
});

describe('labels that only some Applications see', () => {
  it('are seen by these, and the own labels by all others', () => {
    const after = changeAppLabels(record(), { apps, labels: { role: 'standby', region: null } }, author);
    expect(after.labels).toEqual(record().labels);
    expect(labelsFor(after, apps)).toEqual({ role: 'standby' });
    expect(labelsFor(after, 'app=search')).toEqual(record().labels);
    expect(labelsFor(after, undefined)).toEqual(record().labels);
    expect(after.history).toEqual([{ ...author, apps, labels: { role: ['active', 'standby'], region: ['eu', null] } }]);
  });

  it('are let go of when they come to be as the own ones', () => {
    const changed = changeAppLabels(record(), { apps, labels: { role: 'standby' } }, author);
    const back = changeAppLabels(changed, { apps, labels: { role: 'active' } }, author);
    expect(back).not.toHaveProperty('appLabels');
    expect(back.history).toHaveLength(2);
  });

  it('stand when the own labels change', () => {
    const changed = changeAppLabels(record(), { apps, labels: { role: 'standby' } }, author);
    expect(labelsFor({ ...changed, labels: { role: 'other' } }, apps)).toEqual({ role: 'standby' });
  });

  it('that are so already change nothing', () => {
    const changed = changeAppLabels(record(), { apps, labels: { role: 'standby' } }, author);
    expect(changeAppLabels(changed, { apps, labels: { role: 'standby' } }, author)).toBe(changed);
  });

  it('tell which selectors they differ for', () => {
    const changed = changeAppLabels(record(), { apps, labels: { role: 'standby' } }, author);
    expect([
      appsRelabelled(record(), changed),
      appsRelabelled(changed, undefined),
      appsRelabelled(changed, changed),
    ]).toEqual([[apps], [apps], []]);
  });
});
