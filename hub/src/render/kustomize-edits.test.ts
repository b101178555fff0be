import { describe, expect, it } from 'vitest';
import { kustomizeEdits } from './kustomize-edits.ts';

describe('kustomizeEdits', () => {
  it.each([
    ['nothing', {}, []],
    ['a prefix that looks like a flag', { namePrefix: '-p-' }, ['set nameprefix -- -p-']],
    ['images', { images: ['a=b:1', 'c@sha256:0'] }, ['set image a=b:1 c@sha256:0']],
    [
      'replicas',
      {
        replicas: [
          { name: 'd', count: 3 },
          { name: 's', count: '4' },
        ],
      },
      ['set replicas d=3 s=4'],
    ],
    ['labels', { commonLabels: { a: 'b', c: 'd' } }, ['add label a:b c:d']],
    [
      'labels with all flags',
      { commonLabels: { a: 'b' }, labelWithoutSelector: true, labelIncludeTemplates: true, forceCommonLabels: true },
      ['add label --force --without-selector --include-templates a:b'],
    ],
    ['annotations', { commonAnnotations: { a: 'b' }, forceCommonAnnotations: true }, ['add annotation --force a:b']],
    [
      "everything, in Argo CD's order",
      {
        namespace: 'n',
        nameSuffix: '-s',
        namePrefix: 'p-',
        images: ['a:1'],
        commonLabels: { a: 'b' },
        commonAnnotations: { c: 'd' },
      },
      [
        'set nameprefix -- p-',
        'set namesuffix -- -s',
        'set image a:1',
        'add label a:b',
        'add annotation c:d',
        'set namespace -- n',
      ],
    ],
  ])('%s', (_name, options, expected) => {
    expect(kustomizeEdits(options).map((edit) => edit.join(' '))).toEqual(expected);
  });
});
