import { describe, expect, it } from 'vitest';
import { cleanSetParameter, helmArguments } from './helm-arguments.ts';

const invocation = {
  releaseName: 'web',
  namespace: 'shop',
  kubeVersion: '1.30.1',
  apiVersions: ['v1', 'apps/v1'],
  valueFiles: [],
  fileParameters: new Map<string, string>(),
};
const tail = ['--api-versions', 'v1', '--api-versions', 'apps/v1', '--include-crds'];
const head = ['template', '.', '--name-template', 'web', '--namespace', 'shop', '--kube-version', '1.30.1'];

describe('helmArguments', () => {
  it.each([
    ['no options', {}, {}, [...head, ...tail]],
    [
      'parameters, the last of one kind wins',
      {
        parameters: [
          { name: 'a', value: 'x,y' },
          { name: 'a', value: 'z' },
          { name: 'a', value: '2', forceString: true },
        ],
      },
      {},
      [...head, '--set', 'a=z', '--set-string', 'a=2', ...tail],
    ],
    [
      'files',
      {},
      { valueFiles: ['/r/a.yaml', '/h/values.yaml'], fileParameters: new Map([['f', '/r/x.txt']]) },
      [...head, '--set-file', 'f=/r/x.txt', '--values', '/r/a.yaml', '--values', '/h/values.yaml', ...tail],
    ],
    [
      'files of which helm would make two',
      {},
      { valueFiles: ['/r/a,/etc/b', '/r/"c"'], fileParameters: new Map([['f', '/r/a,g=/etc/b']]) },
      [
        ...head,
        '--set-file',
        String.raw`f=/r/a\,g=/etc/b`,
        '--values',
        '"/r/a,/etc/b"',
        '--values',
        '"/r/""c"""',
        ...tail,
      ],
    ],
    [
      'what is skipped',
      { skipCrds: true, skipTests: true, skipSchemaValidation: true },
      { namespace: '', kubeVersion: '', apiVersions: [] },
      ['template', '.', '--name-template', 'web', '--skip-schema-validation', '--skip-tests'],
    ],
  ])('%s', (...[, options, change, expected]) => {
    expect(helmArguments(options, { ...invocation, ...change })).toEqual(expected);
  });
});

describe('cleanSetParameter', () => {
  it.each([
    ['a,b', String.raw`a\,b`],
    [',,', String.raw`\,\,`],
    [String.raw`a\,b`, String.raw`a\,b`],
    ['{a,b}', '{a,b}'],
    ['{a,b', String.raw`{a\,b`],
    ['', ''],
  ])('%s', (value, expected) => {
    expect(cleanSetParameter(value)).toBe(expected);
  });
});
