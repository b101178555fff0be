import { describe, expect, it } from 'vitest';
import { parseAnnouncements } from './announcement.ts';

describe('what a plugin prints of its parameters', () => {
  it.each([
    ['a list', '[{"name": "tag", "required": true, "string": "1"}]', [{ name: 'tag', required: true, string: '1' }]],
    [
      'collections, and nulls in the place of fields, as Go writes them',
      '[{"name": "files", "collectionType": "array", "array": ["a"], "map": null}]',
      [{ name: 'files', collectionType: 'array', array: ['a'] }],
    ],
    ['fields that are not known', '[{"name": "tag", "uiConfig": {}}]', [{ name: 'tag' }]],
    ['nothing at all', 'null', []],
    ['an empty list', '[]\n', []],
  ])('may be %s', (_name, json, expected) => {
    expect(parseAnnouncements(json, 'x')).toEqual(expected);
  });

  it.each([
    ['no JSON', 'tag: 1', 'plugin x: parameters.dynamic printed no JSON'],
    ['nothing', '', 'printed no JSON'],
    ['no list', '{"name": "tag"}', 'printed no list of announcements: the whole: '],
    ['a value of another type', '[{"name": "tag"}, {"name": "n", "string": 1}]', '1.string: '],
    ['a collection that there is not', '[{"name": "tag", "collectionType": "set"}]', '0.collectionType: '],
  ])('is refused with %s', (_name, json, message) => {
    expect(() => parseAnnouncements(json, 'plugin x: parameters.dynamic')).toThrow(
      expect.objectContaining({ code: 'RenderFailed', message: expect.stringContaining(message) as string }) as Error,
    );
  });
});
