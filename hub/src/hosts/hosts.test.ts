import { generateKeyPairSync } from 'node:crypto';
import type { PullRequestGenerator, ScmProviderGenerator } from '@wheelhouse/shared/resources/generator';
import { afterEach, describe, expect, it } from 'vitest';
import { selectRepositories } from '../generate/generators/host-filters.ts';
import type { HostAccess } from './host.ts';
import { listPullRequests, openRepositoryHost } from './hosts.ts';
import { createFakeAccess, type FakeHost, type Routes, startFakeHost } from './testing/fake-host.ts';

// The answers have the shapes that the hosts' API documentation shows; names are made up.

const disposables: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of disposables.splice(0)) await one[Symbol.asyncDispose]();
});

async function start(routes: Routes): Promise<{ host: FakeHost; access: HostAccess }> {
  const host = await startFakeHost(routes);
  const access = createFakeAccess();
  disposables.push(access, host);
  return { host, access };
}

const tokenRef = { secretName: 'creds', key: 'token' };
const linkTo = (path: string) => (origin: string) => ({
  link: `<${origin}${path}>; rel="next", <${origin}/x>; rel="last"`,
});

interface RepositoryCase {
  name: string;
  routes: Routes;
  generator(url: string): ScmProviderGenerator;
  /** `organization repository url branch sha labels id`. */
  expected: string[];
  authorization: string | undefined;
}

function githubRepository(name: string, id: number) {
  return {
    id,
    name,
    full_name: `shop/${name}`,
    owner: { login: 'shop', id: 1 },
    ssh_url: `git@github.example.com:shop/${name}.git`,
    clone_url: `https://github.example.com/shop/${name}.git`,
    default_branch: 'main',
    archived: name === 'old',
    topics: name === 'cart' ? ['team-a', 'java'] : [],
  };
}

function gitlabProject(path: string, id: number) {
  return {
    id,
    path,
    path_with_namespace: `shop/${path}`,
    namespace: { id: 9, full_path: 'shop' },
    ssh_url_to_repo: `git@gitlab.example.com:shop/${path}.git`,
    http_url_to_repo: `https://gitlab.example.com/shop/${path}.git`,
    default_branch: 'main',
    topics: ['team-a'],
  };
}

const bitbucketRepository = {
  uuid: '{u1}',
  slug: 'cart',
  full_name: 'shop/cart',
  mainbranch: { type: 'branch', name: 'main' },
  links: {
    clone: [
      { href: 'https://bitbucket.org/shop/cart.git', name: 'https' },
      { href: 'git@bitbucket.org:shop/cart.git', name: 'ssh' },
    ],
  },
};

const cases: RepositoryCase[] = [
  {
    name: 'github, over two pages, without archived and empty ones',
    routes: {
      'GET /orgs/shop/repos?per_page=100': (origin: string) => ({
        headers: linkTo('/organizations/1/repos?per_page=100&page=2')(origin),
        body: [githubRepository('cart', 11), githubRepository('old', 12)],
      }),
      'GET /organizations/1/repos?per_page=100&page=2': [githubRepository('web', 13), githubRepository('empty', 14)],
      'GET /repos/shop/cart/branches/main': { name: 'main', commit: { sha: 'c1', url: 'x' }, protected: true },
      'GET /repos/shop/web/branches/main': { name: 'main', commit: { sha: 'c2', url: 'x' } },
    },
    generator: (api) => ({ github: { organization: 'shop', api, tokenRef, excludeArchivedRepos: true } }),
    expected: [
      'shop cart git@github.example.com:shop/cart.git main c1 team-a,java 11',
      'shop web git@github.example.com:shop/web.git main c2  13',
    ],
    authorization: 'Bearer s3cret',
  },
  {
    name: 'github, every branch of what has a path, by https',
    routes: {
      'GET /orgs/shop/repos?per_page=100': [githubRepository('cart', 11)],
      'GET /repos/shop/cart/branches?per_page=100': [
        { name: 'main', commit: { sha: 'c1' } },
        { name: 'feat/x', commit: { sha: 'c2' } },
      ],
      'GET /repos/shop/cart/contents/deploy/base?ref=feat%2Fx': [{ type: 'file', name: 'a.yaml' }],
    },
    generator: (api) => ({
      github: { organization: 'shop', api, allBranches: true },
      cloneProtocol: 'https',
      filters: [{ repositoryMatch: '^c', pathsExist: ['deploy/base'], pathsDoNotExist: ['.skip'] }],
    }),
    expected: ['shop cart https://github.example.com/shop/cart.git feat/x c2 team-a,java 11'],
    authorization: undefined,
  },
  {
    name: 'gitlab, with a path beside others',
    routes: {
      'GET /api/v4/groups/shop%2Fteam/projects?per_page=100&include_subgroups=true&with_shared=true&archived=false': [
        gitlabProject('cart', 21),
      ],
      'GET /api/v4/projects/21/repository/branches/main': { name: 'main', commit: { id: 'c1', short_id: 'c' } },
      'GET /api/v4/projects/21/repository/tree?per_page=100&ref=main&path=deploy': [
        { id: 'a', name: 'base', type: 'tree', path: 'deploy/base', mode: '040000' },
      ],
    },
    generator: (api) => ({
      gitlab: { group: 'shop/team', api, tokenRef, includeSubgroups: true },
      filters: [{ pathsExist: ['deploy/base'] }],
    }),
    expected: ['shop cart git@gitlab.example.com:shop/cart.git main c1 team-a 21'],
    authorization: undefined,
  },
  {
    name: 'gitea',
    routes: {
      'GET /api/v1/orgs/shop/repos?limit=50': [
        {
          id: 31,
          name: 'cart',
          ssh_url: 'git@gitea.example.com:shop/cart.git',
          html_url: 'https://gitea.example.com/shop/cart',
          default_branch: 'main',
          archived: false,
          empty: false,
        },
      ],
      'GET /api/v1/repos/shop/cart/labels?limit=50': [{ id: 1, name: 'bug', color: '00aabb' }],
      'GET /api/v1/repos/shop/cart/branches/main': { name: 'main', commit: { id: 'c1', message: 'x' } },
    },
    generator: (api) => ({ gitea: { owner: 'shop', api, tokenRef }, cloneProtocol: 'https' }),
    expected: ['shop cart https://gitea.example.com/shop/cart main c1 bug 31'],
    authorization: 'token s3cret',
  },
  {
    name: 'bitbucket server, whose default branch is a question of its own',
    routes: {
      'GET /rest/api/1.0/projects/SHOP/repos?limit=100': {
        size: 1,
        limit: 100,
        isLastPage: false,
        nextPageStart: 100,
        values: [
          {
            id: 41,
            slug: 'my-cart',
            name: 'My Cart',
            project: { key: 'SHOP' },
            links: {
              clone: [
                { href: 'https://bb.example.com/scm/shop/my-cart.git', name: 'http' },
                { href: 'ssh://git@bb.example.com:7999/shop/my-cart.git', name: 'ssh' },
              ],
            },
          },
        ],
      },
      'GET /rest/api/1.0/projects/SHOP/repos?limit=100&start=100': { isLastPage: true, values: [] },
      'GET /rest/api/1.0/projects/SHOP/repos/my-cart/branches/default': {
        id: 'refs/heads/main',
        displayId: 'main',
        latestCommit: 'c1',
      },
    },
    generator: (api) => ({ bitbucketServer: { project: 'SHOP', api, bearerToken: { tokenRef } } }),
    expected: ['SHOP My Cart ssh://git@bb.example.com:7999/shop/my-cart.git main c1  41'],
    authorization: 'Bearer s3cret',
  },
];

describe('repositories', () => {
  it.each(cases)('$name', async ({ routes, generator, expected, authorization }) => {
    const { host, access } = await start(routes);
    const given = generator(host.url);
    const found = await selectRepositories(given.filters, openRepositoryHost(given, access));
    expect(
      found.map(({ organization, repository, url, branch, sha, labels, repositoryId }) =>
        [organization, repository, url, branch, sha, labels.join(','), repositoryId].join(' '),
      ),
    ).toEqual(expected);
    expect(host.headers.authorization).toBe(authorization);
    expect(host.headers['private-token']).toBe(given.gitlab ? 's3cret' : undefined);
  });

  // Hosts whose address is not a field: their requests are led to the fake host.
  it('bitbucket cloud, over two pages', async () => {
    const { host, access } = await start({
      'GET /2.0/repositories/shop?role=member&pagelen=100': (origin: string) => ({
        pagelen: 100,
        values: [bitbucketRepository],
        next: `${origin}/2.0/repositories/shop?page=2`,
      }),
      'GET /2.0/repositories/shop?page=2': { values: [] },
      'GET /2.0/repositories/shop/cart/refs/branches/main': { name: 'main', target: { hash: 'c1', type: 'commit' } },
      'GET /2.0/repositories/shop/cart/src/c1/deploy?format=meta': { path: 'deploy', type: 'commit_directory' },
    });
    const bitbucket = { owner: 'shop', user: 'bot', appPasswordRef: tokenRef };
    const led = ledTo(host.url, access);
    const found = await selectRepositories([{ pathsExist: ['deploy'] }], openRepositoryHost({ bitbucket }, led));
    expect(found).toMatchObject([{ repository: 'cart', url: 'git@bitbucket.org:shop/cart.git', sha: 'c1' }]);
    expect(host.headers.authorization).toBe(`Basic ${Buffer.from('bot:s3cret').toString('base64')}`);
  });

  it('azure devops, without disabled ones', async () => {
    const { host, access } = await start({
      'GET /shop/team/_apis/git/repositories?api-version=7.1': {
        count: 2,
        value: [
          {
            id: 'r1',
            name: 'cart',
            remoteUrl: 'https://dev.azure.com/shop/team/_git/cart',
            defaultBranch: 'refs/heads/main',
          },
          { id: 'r2', name: 'off', remoteUrl: 'x', defaultBranch: 'refs/heads/main', isDisabled: true },
        ],
      },
      'GET /shop/team/_apis/git/repositories/r1/stats/branches?api-version=7.1&name=main': {
        name: 'main',
        commit: { commitId: 'c1' },
      },
    });
    const azureDevOps = { organization: 'shop', api: host.url, teamProject: 'team', accessTokenRef: tokenRef };
    const found = await selectRepositories(undefined, openRepositoryHost({ azureDevOps }, access));
    expect(found).toMatchObject([{ repository: 'cart', branch: 'main', sha: 'c1', repositoryId: 'r1' }]);
    expect(host.headers.authorization).toBe(`Basic ${Buffer.from(':s3cret').toString('base64')}`);
  });

  it('aws codecommit, by tags, signed', async () => {
    const repositoryMetadata = {
      accountId: '123456789012',
      repositoryId: 'id-1',
      repositoryName: 'cart',
      defaultBranch: 'main',
      cloneUrlHttp: 'https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/cart',
      cloneUrlSsh: 'ssh://git-codecommit.eu-west-1.amazonaws.com/v1/repos/cart',
    };
    const { host, access } = await start({
      'ResourceGroupsTaggingAPI_20170126.GetResources': {
        PaginationToken: '',
        ResourceTagMappingList: [{ ResourceARN: 'arn:aws:codecommit:eu-west-1:123456789012:cart', Tags: [] }],
      },
      'CodeCommit_20150413.GetRepository': { repositoryMetadata },
      'CodeCommit_20150413.GetFolder': {
        subFolders: [{ relativePath: 'base', absolutePath: 'deploy/base' }],
        files: [],
      },
    });
    const environment = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'k', AWS_ENDPOINT_URL: host.url };
    const generator: ScmProviderGenerator = {
      awsCodeCommit: {
        region: 'eu-west-1',
        tagFilters: [
          { key: 'team', value: 'a' },
          { key: 'team', value: 'b' },
        ],
      },
      cloneProtocol: 'https-fips',
      filters: [{ pathsExist: ['deploy/base/'] }],
    };
    const found = await selectRepositories(
      generator.filters,
      openRepositoryHost(generator, { ...access, environment }),
    );
    expect(found).toEqual([
      {
        organization: '123456789012',
        repository: 'cart',
        url: 'https://git-codecommit-fips.eu-west-1.amazonaws.com/v1/repos/cart',
        branch: 'main',
        sha: '',
        labels: [],
        repositoryId: 'id-1',
      },
    ]);
    expect(JSON.parse(host.bodies[0] ?? '')).toMatchObject({ TagFilters: [{ Key: 'team', Values: ['a', 'b'] }] });
    expect(host.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-west-1\/codecommit\/aws4_request, SignedHeaders=.*, Signature=[0-9a-f]{64}$/,
    );
  });
});

/** Access that sends every request to one server, whatever host it is meant for. */
function ledTo(url: string, access: HostAccess): HostAccess {
  const lead = (api: string) => `${url}${new URL(api).pathname}`;
  return {
    ...access,
    http: { open: (target, signal) => access.http.open({ ...target, api: lead(target.api) }, signal) },
  };
}

const person = { login: 'ann', id: 1 };
const pullRequests: {
  name: string;
  routes: Routes;
  generator(url: string): PullRequestGenerator;
  expected: string[];
}[] = [
  {
    name: 'github, with both labels',
    routes: {
      'GET /repos/shop/cart/pulls?per_page=100': [
        {
          number: 7,
          title: 'Add x',
          head: { ref: 'feat/x', sha: 'c1' },
          base: { ref: 'main', sha: 'c0' },
          labels: [{ name: 'preview' }, { name: 'ready' }],
          user: person,
        },
        {
          number: 8,
          title: 'No labels',
          head: { ref: 'y', sha: 'c2' },
          base: { ref: 'main' },
          labels: [{ name: 'preview' }],
          user: person,
        },
      ],
    },
    generator: (api) => ({ github: { owner: 'shop', repo: 'cart', api, labels: ['preview', 'ready'] } }),
    expected: ['7 Add x feat/x main c1 preview,ready ann'],
  },
  {
    name: 'gitlab',
    routes: {
      'GET /api/v4/projects/shop%2Fcart/merge_requests?per_page=100&state=opened&labels=preview': [
        {
          iid: 7,
          title: 'Add x',
          source_branch: 'feat/x',
          target_branch: 'main',
          sha: 'c1',
          labels: ['preview'],
          author: { username: 'ann' },
        },
      ],
    },
    generator: (api) => ({ gitlab: { project: 'shop/cart', api, labels: ['preview'], pullRequestState: 'opened' } }),
    expected: ['7 Add x feat/x main c1 preview ann'],
  },
  {
    name: 'gitea',
    routes: {
      'GET /api/v1/repos/shop/cart/pulls?state=open&limit=50': [
        {
          number: 7,
          title: 'Add x',
          head: { label: 'feat/x', ref: 'feat/x', sha: 'c1' },
          base: { ref: 'main' },
          labels: [{ name: 'preview' }],
          user: person,
        },
      ],
    },
    generator: (api) => ({ gitea: { owner: 'shop', repo: 'cart', api, labels: ['preview'] } }),
    expected: ['7 Add x feat/x main c1 preview ann'],
  },
  {
    name: 'bitbucket server',
    routes: {
      'GET /rest/api/1.0/projects/SHOP/repos/cart/pull-requests?limit=100&state=OPEN': {
        isLastPage: true,
        values: [
          {
            id: 7,
            title: 'Add x',
            fromRef: { id: 'refs/heads/feat/x', displayId: 'feat/x', latestCommit: 'c1' },
            toRef: { id: 'refs/heads/main', displayId: 'main', latestCommit: 'c0' },
            author: { user: { name: 'ann' } },
          },
        ],
      },
    },
    generator: (api) => ({ bitbucketServer: { project: 'SHOP', repo: 'cart', api: `${api}/rest` } }),
    expected: ['7 Add x feat/x main c1  ann'],
  },
  {
    name: 'bitbucket cloud',
    routes: {
      'GET /repositories/shop/cart/pullrequests?pagelen=50&state=OPEN': {
        values: [
          {
            id: 7,
            title: 'Add x',
            source: { branch: { name: 'feat/x' }, commit: { hash: 'c1' } },
            destination: { branch: { name: 'main' } },
            author: { nickname: 'ann', display_name: 'Ann' },
          },
        ],
      },
    },
    generator: (api) => ({
      bitbucket: { owner: 'shop', repo: 'cart', api, basicAuth: { username: 'bot', passwordRef: tokenRef } },
    }),
    expected: ['7 Add x feat/x main c1  ann'],
  },
  {
    name: 'azure devops',
    routes: {
      'GET /shop/team/_apis/git/repositories/cart/pullrequests?api-version=7.1&searchCriteria.status=active&%24top=100&%24skip=0':
        {
          count: 1,
          value: [
            {
              pullRequestId: 7,
              title: 'Add x',
              sourceRefName: 'refs/heads/feat/x',
              targetRefName: 'refs/heads/main',
              lastMergeSourceCommit: { commitId: 'c1' },
              labels: [{ name: 'preview', active: true }],
              createdBy: { uniqueName: 'ann@example.com' },
            },
          ],
        },
    },
    generator: (api) => ({
      azuredevops: { organization: 'shop', project: 'team', repo: 'cart', api, labels: ['preview'] },
    }),
    expected: ['7 Add x feat/x main c1 preview ann'],
  },
];

describe('pull requests', () => {
  it.each(pullRequests)('$name', async ({ routes, generator, expected }) => {
    const { host, access } = await start(routes);
    const found = await listPullRequests(generator(host.url), access);
    expect(
      found.map(({ number, title, branch, targetBranch, headSha, labels, author }) =>
        [number, title, branch, targetBranch, headSha, labels.join(','), author].join(' '),
      ),
    ).toEqual(expected);
  });

  it('says that a repository is not there', async () => {
    const { host, access } = await start({});
    const generator = { github: { owner: 'shop', repo: 'gone', api: host.url } };
    await expect(listPullRequests(generator, access)).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('asks as a GitHub App, with a token of its own', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const { host, access } = await start({
      'POST /app/installations/42/access_tokens': {
        status: 201,
        body: { token: 'ghs_1', expires_at: new Date(Date.now() + 3_600_000).toISOString() },
      },
      'GET /repos/shop/cart/pulls?per_page=100': [],
    });
    const entries = {
      githubAppID: '7',
      githubAppInstallationID: '42',
      githubAppPrivateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
    const generator = { github: { owner: 'shop', repo: 'cart', api: host.url, appSecretName: 'app' } };
    await listPullRequests(generator, { ...access, secretEntries: () => entries });
    expect(host.asked).toEqual([
      'POST /app/installations/42/access_tokens -> 201',
      'GET /repos/shop/cart/pulls?per_page=100 -> 200',
    ]);
    expect(host.headers.authorization).toBe('Bearer ghs_1');
  });
});
