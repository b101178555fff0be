import { expect, it } from 'vitest';
import { parsePointer } from './pointer.ts';

const oid = 'a'.repeat(64);
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 12\n`;

it.each<[string, string, object | undefined]>([
  ['a pointer', pointer, { oid, bytes: 12 }],
  ['one with an extension', pointer.replace('oid', `ext-0-foo sha256:${oid}\noid`), { oid, bytes: 12 }],
  ['a manifest', 'kind: ConfigMap\n', undefined],
  ['nothing', '', undefined],
  ['a file that quotes a pointer', `# see\n${pointer}`, undefined],
  ['another hash', pointer.replace('sha256', 'sha1'), undefined],
  ['a short id', pointer.replace(oid, 'aa'), undefined],
  ['a size that is no number', pointer.replace('12', 'x'), undefined],
  ['what is longer than a pointer', pointer + ' '.repeat(1_024), undefined],
])('of %s', (_name, content, expected) => {
  expect(parsePointer(Buffer.from(content))).toEqual(expected);
});
