import { expect, it } from 'vitest';
import type { ApplicationAnswer } from './application.ts';
import type { Client } from './client.ts';
import { readParameters } from './parameters.ts';

const repoURL = 'https://git.example/apps';
const words = { name: 'words' };

it.each<[string, object, object[]]>([
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
  const request = async (_path: string, { body }: { body: { source: object } }) => {
    asked.push(body.source);
    return { plugin: { parametersAnnouncement: [{ name: 'tag' }] } };
  };
  const application = { metadata: { name: 'shop', namespace: 'argocd' }, spec } as unknown as ApplicationAnswer;
  const found = await readParameters({ request } as unknown as Client, application);
  expect(asked).toEqual(expected);
  expect(found).toMatchObject([{ parameters: [{ name: 'tag' }] }]);
});
