import { describe, expect, it } from 'vitest';
import { readObjects, splitDocuments } from './yaml-documents.ts';

describe('YAML documents', () => {
  it.each([
    ['one document', 'a: 1\n', [{ a: 1 }]],
    ['two', 'a: 1\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
    ['a leading marker', '---\na: 1\n', [{ a: 1 }]],
    ['empty and comment-only documents', '# head\n---\n---\n# nothing\n---\na: 1\n---\n', [{ a: 1 }]],
    ['a List', 'kind: List\nitems: [{a: 1}, {b: 2}]\n', [{ a: 1 }, { b: 2 }]],
    ['JSON', '{"a": 1}', [{ a: 1 }]],
    ['dashes within a line', 'a: x---y\nb: |\n  ---\n', [{ a: 'x---y', b: '---\n' }]],
    ['Windows line ends', 'a: 1\r\n---\r\nb: 2\r\n', [{ a: 1 }, { b: 2 }]],
  ])('reads %s', (_name, stream, objects) => {
    expect(splitDocuments(stream).flatMap(readObjects)).toEqual(objects);
  });

  it.each([
    ['in the first document', 'a: [1\nb: 2\n', 2],
    ['in a later document', 'a: 1\n---\nb: 2\nc: [\n', 5],
    ['a key twice', 'x: 1\n---\na: 1\na: 2\n', 4],
    ['text behind a marker', 'x: 1\n--- foo\na: 1\n', 2],
  ])('names the line of the stream for an error %s', (_name, stream, line) => {
    const errors = splitDocuments(stream).flatMap((document) => {
      try {
        return readObjects(document) && [];
      } catch (error) {
        return [error];
      }
    });
    expect(errors).toEqual([
      expect.objectContaining({ code: 'Malformed', message: expect.stringContaining(`line ${line}`) as string }),
    ]);
  });
});
