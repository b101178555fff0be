import { expect, it } from 'vitest';
import type { ApplicationAnswer } from './application.ts';
import type { Client, RequestOptions } from './client.ts';
import { readParameters } from './parameters.ts';

const repoURL = 'https://git.example/apps';
const words = { name: 'words' };

it.each<[string, Partial<ApplicationAnswer['spec']>, object[]]>([
  ['its only source', { source: { repoURL, path: 'shop' } }, [{ repoURL, path: 'shop' }]],
  [
    'each of its sources that has manifests',
    {
      sources: [
        { repoURL, ref: 'values' },
        { repoURL, path: 'shop' },
      ],
    },
    [{ repoURL, path: 'shop' }],
  ],
  [
    'what is rendered to its branch',
    {
      sourceHydrator: {
        drySource: { repoURL, targetRevision: 'main', path: 'dry', plugin: words },
        syncSource: { targetBranch: 'east', path: 'shop' },
      },
    },
    [{ repoURL, targetRevision: 'main', path: 'dry', plugin: words }],
  ],
])('parameters are those of %s', async (_name, spec, expected) => {
  const asked: object[] = [];
  const request: Client['request'] = async <T>(_path: string, { body }: RequestOptions = {}) => {
    if (typeof body === 'object' && 'source' in body) asked.push(Object(body.source));
    return { plugin: { parametersAnnouncement: [{ name: 'tag' }] } } as T; // what the hub answers
  };
  const metadata = { name: 'shop', namespace: 'argocd' };
  const found = await readParameters({ request }, { metadata, spec: { project: 'default', destination: {}, ...spec } });
  expect(asked).toEqual(expected);
  expect(found).toMatchObject([{ parameters: [{ name: 'tag' }] }]);
});
