import { describe, expect, it } from 'vitest';
import { parsePlugin } from './definition.ts';

const plugin = (spec: string, name = 'cdk') =>
  `apiVersion: argoproj.io/v1alpha1\nkind: ConfigManagementPlugin\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const generate = 'generate: {command: [cdk], args: [synth]}';

describe('a plugin', () => {
  it.each([
    ['without a version', `{${generate}}`, 'cdk'],
    ['with a version', `{version: v1.0, ${generate}}`, 'cdk-v1.0'],
  ])('%s is named', (...[, spec, name]) => {
    expect(parsePlugin('cdk.yaml', plugin(spec))).toMatchObject({ name, generate: ['cdk', 'synth'], init: [] });
  });

  it.each([
    ['a file name', '{fileName: ./app.*}', ['app.py'], ['sub/app.py', 'app', 'deep/app.py']],
    [
      'a file name in a folder',
      "{fileName: 'sub/s*.yaml'}",
      ['sub/s1.yaml'],
      ['s1.yaml', 'sub/a.yaml', 'sub/s/1.yaml'],
    ],
    ['a deep glob', "{find: {glob: '**/cdk.json'}}", ['cdk.json', 'a/b/cdk.json', '.x/cdk.json'], ['cdk.jsonx']],
    ['the first that is given', '{fileName: a, find: {glob: b, command: [c]}}', ['a'], ['b']],
  ])('finds itself meant by %s', (...[, discover, matching, others]) => {
    const { discovery } = parsePlugin('cdk.yaml', plugin(`{discover: ${discover}, ${generate}}`));
    const matches = discovery && 'matches' in discovery ? discovery.matches : undefined;
    expect([...matching, ...others].filter((path) => matches?.(path))).toEqual(matching);
  });

  it('says which parameters it has, by itself and by a command', () => {
    const announced = '[{name: tag, title: Tag, required: true, string: latest}, {name: files, collectionType: array}]';
    const spec = `{parameters: {static: ${announced}, dynamic: {command: [list], args: [--all]}}, ${generate}}`;
    expect(parsePlugin('c.yaml', plugin(spec)).parameters).toEqual({
      announced: [
        { name: 'tag', title: 'Tag', required: true, string: 'latest' },
        { name: 'files', collectionType: 'array' },
      ],
      dynamic: ['list', '--all'],
    });
    expect(parsePlugin('c.yaml', plugin(`{${generate}}`)).parameters).toEqual({ announced: [], dynamic: [] });
  });

  it('is found by a command', () => {
    const { discovery } = parsePlugin(
      'c.yaml',
      plugin(`{discover: {find: {command: [sh, -c], args: [ls]}}, ${generate}}`),
    );
    expect(discovery).toEqual({ command: ['sh', '-c', 'ls'] });
  });

  it.each([
    ['no generate', '{}', 'Invalid', 'plugin x.yaml: spec.generate: '],
    ['an empty command', '{generate: {command: []}}', 'Invalid', 'spec.generate.command: name the program to run'],
    ['arguments alone', `{init: {args: [a]}, ${generate}}`, 'Invalid', 'spec.init.command: args without command'],
    ['a field that is not there', `{lockRepo: true, ${generate}}`, 'UnknownField', '"lockRepo"'],
    ['logins', `{provideGitCreds: true, ${generate}}`, 'Unsupported', 'plugins have no network'],
    [
      'a pattern out of the folder',
      `{discover: {fileName: ../x}, ${generate}}`,
      'Invalid',
      "leads out of the source's folder",
    ],
    ['a pattern that does not end', `{discover: {fileName: 'a['}, ${generate}}`, 'Invalid', 'pattern a[ is malformed'],
    [
      'a misspelt announcement',
      `{parameters: {static: [{name: a, requird: true}]}, ${generate}}`,
      'UnknownField',
      '"requird"',
    ],
    ['no YAML', '{', 'Malformed', 'plugin x.yaml: '],
  ])('is refused with %s', (...[, spec, code, message]) => {
    expect(() => parsePlugin('x.yaml', plugin(spec))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it('is refused when it is something else', () => {
    expect(() => parsePlugin('x.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n')).toThrow(
      /plugin x.yaml: apiVersion/,
    );
  });
});
