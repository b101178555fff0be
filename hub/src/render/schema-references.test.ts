import { expect, it } from 'vitest';
import { whyNotOwnSchema } from './schema-references.ts';

it.each<[string, unknown]>([
  ['nothing', {}],
  ['true', true],
  ['null', null],
  ['a part of its own', { $ref: '#/$defs/port', $defs: { port: { type: 'integer' } } }],
  ['itself', { properties: { inner: { $ref: '#' }, other: { $dynamicRef: '#node' } } }],
  [
    'a part that it holds by URL',
    { $ref: 'https://x/port#', $defs: { port: { $id: 'https://x/port', type: 'integer' } } },
  ],
  ['the draft that it is written in', { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' }],
  ['a value whose name is a keyword', { properties: { $ref: { type: 'string' } } }],
])('takes a schema that refers to %s', (_name, schema) => {
  expect(whyNotOwnSchema(JSON.stringify(schema))).toBeUndefined();
});

it.each<[string, unknown, RegExp]>([
  [
    'a file',
    { $ref: 'file:///etc/hostname' },
    /^has a \$ref to "file:\/\/\/etc\/hostname", which is not part of it: /u,
  ],
  ['a path', { properties: { a: { $ref: '/etc/hostname' } } }, /\$ref to "\/etc\/hostname"/u],
  ['a file beside it', { allOf: [{ $ref: 'other.json#/a' }] }, /\$ref to "other\.json#\/a"/u],
  ['a file that it calls its own', { $ref: 'file:///etc/x', $defs: { x: { $id: 'file:///etc/x' } } }, /\$ref to/u],
  ['a name below a folder', { $id: 'file:///etc/', $ref: 'hostname' }, /\$ref to "hostname"/u],
  ['a file, dynamically', { $dynamicRef: 'file:///etc/x#y' }, /\$dynamicRef to/u],
  ['a file, recursively', { items: { $recursiveRef: 'FILE:///etc/x' } }, /\$recursiveRef to/u],
  ['an URL that it does not hold', { $ref: 'https://x/y' }, /\$ref to "https:\/\/x\/y"/u],
  ['a draft in a file', { $defs: { a: { $schema: 'file:///etc/x' } } }, /names "file:\/\/\/etc\/x" as its \$schema: /u],
])('refuses a schema that refers to %s', (_name, schema, why) => {
  expect(whyNotOwnSchema(JSON.stringify(schema))).toMatch(why);
});

it.each([
  ['a keyword with an escape', '{"\\u0024ref": "file:///etc/x"}', /has a \$ref to/u],
  ['the second of two', '{"$ref": "#", "$ref": "/etc/x"}', /has a \$ref to/u],
  ['no JSON', '{} {"$ref": "/etc/x"}', /^is not JSON: /u],
  ['an empty file', '', /^is not JSON: /u],
])('refuses %s', (_name, text, why) => {
  expect(whyNotOwnSchema(text)).toMatch(why);
});

it('follows a schema as deep as it is', () => {
  const deep = `${'{"not":'.repeat(5_000)}{"$ref":"/etc/x"}${'}'.repeat(5_000)}`;
  expect(whyNotOwnSchema(deep)).toMatch(/has a \$ref to/u);
});
