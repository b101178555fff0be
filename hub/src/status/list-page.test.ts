import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applicationOf, indexedOf } from '../testing/hub-state.ts';
import type { ApplicationFilter } from './application-filter.ts';
import { type ApplicationPage, listPage } from './list-page.ts';

interface Row {
  cluster: string;
  health: string;
}

/** Lists these Applications; an id without a row is one that is being withdrawn. */
function list(
  rows: Record<string, Row | undefined>,
  filter: ApplicationFilter,
  page: { limit: number; continue?: string },
) {
  const made: string[] = [];
  const find = (id: string) => {
    const row = rows[id];
    return row && indexedOf(applicationOf(id, { cluster: row.cluster }));
  };
  const answer = listPage(Object.keys(rows).sort(), {
    filter,
    page,
    find,
    brief: (id) => ({ sync: 'Synced', health: rows[id]?.health ?? 'Unknown', stale: false }),
    view: (id) => {
      made.push(id);
      return { application: applicationOf(id), stale: false, cluster: rows[id]?.cluster ?? 'east' };
    },
  });
  return { ...answer, made };
}

const names = ({ items }: ApplicationPage) => items.map(({ application }) => application.metadata.name);
const rows = {
  a: { cluster: 'east', health: 'Healthy' },
  b: { cluster: 'west', health: 'Degraded' },
  c: { cluster: 'east', health: 'Degraded' },
  gone: undefined,
};

describe('a page', () => {
  it.each<[string, ApplicationFilter, string[]]>([
    ['of all', {}, ['a', 'b', 'c', 'gone']],
    ['of a cluster, with what leaves it', { cluster: 'east' }, ['a', 'c', 'gone']],
    ['by health', { health: ['Degraded'] }, ['b', 'c']],
    ['by both', { cluster: 'east', health: ['Degraded'] }, ['c']],
    ['of nothing', { name: 'x' }, []],
  ])('%s', (_name, filter, expected) => {
    const page = list(rows, filter, { limit: 10 });
    expect({ names: names(page), total: page.total, continue: page.continue }).toEqual({
      names: expected,
      total: expected.length,
      continue: undefined,
    });
  });

  it('makes views of what it shows only', () => {
    expect(list(rows, { health: ['Degraded'] }, { limit: 1 }).made).toEqual(['gone', 'b']);
  });

  it('after another goes on behind it, though that one is gone meanwhile', () => {
    const first = list(rows, {}, { limit: 2 });
    const { b: _, ...rest } = rows;
    expect(names(list(rest, {}, { limit: 2, ...(first.continue ? { continue: first.continue } : {}) }))).toEqual([
      'c',
      'gone',
    ]);
  });

  it('after the last is empty', () => {
    const end = Buffer.from('zzz').toString('base64url');
    expect(list(rows, {}, { limit: 2, continue: end })).toMatchObject({ items: [], total: 4 });
  });

  it('follows page, so that all pages together miss none and repeat none', () => {
    const ids = fc.uniqueArray(
      fc.string({ minLength: 1, maxLength: 4 }).map((text) => `n${text}`),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 7 }), (all, limit) => {
        const table = Object.fromEntries(all.map((id) => [id, { cluster: 'east', health: 'Healthy' }]));
        const seen: (string | undefined)[] = [];
        let next: string | undefined;
        do {
          const page = list(table, {}, { limit, ...(next === undefined ? {} : { continue: next }) });
          seen.push(...names(page));
          expect(page.items.length).toBeLessThanOrEqual(limit);
          next = page.continue;
        } while (next !== undefined);
        expect(seen).toEqual([...all].sort());
      }),
    );
  });
});
