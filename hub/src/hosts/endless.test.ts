import { expect, it } from 'vitest';
import { listPullRequests, openRepositoryHost } from './hosts.ts';
import { createFakeAccess, startFakeHost } from './testing/fake-host.ts';

const unlimited = { perSecond: 1_000_000, burst: 10_000 };

it('azure devops: ends where a server gives the same page again and again', async () => {
  const pullRequest = { pullRequestId: 7, sourceRefName: 'refs/heads/a', targetRefName: 'refs/heads/main' };
  const page = { value: Array.from({ length: 100 }, () => pullRequest) };
  await using host = await startFakeHost(new Proxy({}, { get: () => page }));
  await using access = createFakeAccess(unlimited);
  const azuredevops = { organization: 'shop', project: 'team', repo: 'cart', api: host.url };
  const refused = { code: 'TooLarge', message: expect.stringContaining('more than 1000 pages') as string };
  await expect(listPullRequests({ azuredevops }, access)).rejects.toMatchObject(refused);
  expect(host.asked).toHaveLength(1_000);
});

it('aws codecommit: ends where each page names another', async () => {
  await using host = await startFakeHost({
    'CodeCommit_20150413.ListRepositories': { repositories: [], nextToken: 'again' },
  });
  await using access = createFakeAccess(unlimited);
  const environment = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'k', AWS_ENDPOINT_URL: host.url };
  const generator = { awsCodeCommit: { region: 'eu-west-1' } };
  await expect(openRepositoryHost(generator, { ...access, environment }).list()).rejects.toThrow(
    'the list at AWS CodeCommit has more than 1000 pages; narrow it',
  );
});
