import type { Application } from '@wheelhouse/shared/resources/application';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { applicationOf, logger } from '../testing/hub-state.ts';
import { receiveWebhook, type WebhookDeps } from './receive-webhook.ts';
import { ghcrEvent } from './testing/ghcr-event.ts';

const url = 'https://git.example.com/a/b.git';

function setUp(readers: ReturnType<WebhookDeps['readers']>) {
  const looked: string[] = [];
  const outcomes: string[] = [];
  const deps: WebhookDeps = {
    logger,
    secrets: {},
    wanted: () => new Map([[url, [{ repoURL: url, targetRevision: 'main' }]]]),
    readers: () => readers,
    source: (repository) => Promise.resolve(void looked.push(repository)),
    pullRequest: ({ host }) => Promise.resolve(host === 'github' ? 2 : 0),
    observe: (provider, outcome) => outcomes.push(`${provider} ${outcome}`),
  };
  return { looked, outcomes, deps };
}

function reader(paths?: string): Application {
  const annotations: Record<string, string> =
    paths === undefined ? {} : { 'argocd.argoproj.io/manifest-generate-paths': paths };
  return applicationOf('a', { metadata: { annotations }, source: { repoURL: url, path: 'apps/a' } });
}

function pushOf(files: string[], forced = false) {
  const payload = {
    ref: 'refs/heads/main',
    forced,
    commits: [{ modified: files }],
    repository: { html_url: 'https://git.example.com/a/b', default_branch: 'main' },
  };
  return { headers: { 'x-github-event': 'push' }, body: Buffer.from(JSON.stringify(payload)) };
}

/** A push of commits that touch no path of a reader, and how many there are in all. */
function commitsOf(host: string, { sent, total }: { sent: number; total: number | undefined }) {
  const at = 'https://git.example.com/a/b';
  const payload = {
    object_kind: 'push',
    ref: 'refs/heads/main',
    before: '1'.repeat(40),
    commits: Array.from({ length: sent }, () => ({ modified: ['docs/x.md'] })),
    ...(host === 'gitlab' ? { total_commits_count: total } : { total_commits: total }),
    repository: { html_url: at, default_branch: 'main' },
    project: { web_url: at, default_branch: 'main' },
  };
  const event = host === 'gitlab' ? 'Push Hook' : 'push';
  return { headers: { [`x-${host}-event`]: event }, body: Buffer.from(JSON.stringify(payload)) };
}

/** A push to repositories that nothing reads, and to one that something may. */
function callFromHarbor(count: number) {
  const names = Array.from({ length: count }, (_, i) => (i + 1 === count ? 'read/0' : `other/${i}`));
  const resources = names.map((name) => ({ tag: 'main', resource_url: `git.example.com/${name}:main` }));
  const body = Buffer.from(JSON.stringify({ type: 'PUSH_ARTIFACT', event_data: { resources } }));
  return { headers: { authorization: 'any' }, body };
}

/** Says how many expressions were compiled since, until the test ends. */
function countExpressions(): () => number {
  let count = 0;
  vi.stubGlobal(
    'RegExp',
    class extends RegExp {
      constructor(pattern: string | RegExp, flags?: string) {
        super(pattern, flags);
        count += 1;
      }
    },
  );
  onTestFinished(() => void vi.unstubAllGlobals());
  return () => count;
}

describe('a push', () => {
  it.each([
    {
      why: 'a file below a path that a reader names',
      files: ['shared/x.yaml'],
      readers: [reader('.;/shared')],
      looks: true,
    },
    {
      why: 'a file below no path that a reader names',
      files: ['docs/x.md'],
      readers: [reader('.;/shared')],
      looks: false,
    },
    { why: 'a reader that names no paths', files: ['docs/x.md'], readers: [reader('.'), reader()], looks: true },
    { why: 'no list of files', files: [], readers: [reader('.')], looks: true },
    {
      why: 'a forced push, whose list is not whole',
      files: ['docs/x.md'],
      forced: true,
      readers: [reader('.')],
      looks: true,
    },
  ])('$why', async ({ files, forced, readers, looks }) => {
    const { deps, looked, outcomes } = setUp({ applications: readers, generators: false });
    await receiveWebhook(pushOf(files, forced), deps);
    expect(looked).toEqual(looks ? [url] : []);
    expect(outcomes).toEqual([looks ? 'github accepted' : 'github ignored']);
  });

  it.each([
    { host: 'gitea', why: 'commits are left out', sent: 15, total: 20 },
    { host: 'gitea', why: 'all seem to be there, as after a forced push', sent: 2, total: 2 },
    { host: 'gitea', why: 'no total is told', sent: 5, total: undefined },
    { host: 'gogs', why: 'no total is told', sent: 5, total: undefined },
    { host: 'gitlab', why: 'commits are left out', sent: 20, total: 21 },
    { host: 'gitlab', why: 'all seem to be there, as after a forced push', sent: 2, total: 2 },
  ])('of $host is looked at, when $why', async ({ host, sent, total }) => {
    const { deps, looked, outcomes } = setUp({ applications: [reader('.')], generators: false });
    await receiveWebhook(commitsOf(host, { sent, total }), deps);
    expect(looked).toEqual([url]);
    expect(outcomes).toEqual([`${host} accepted`]);
  });

  it('is looked at when a generator reads the revision, whatever Applications name', async () => {
    const { deps, looked } = setUp({ applications: [reader('.')], generators: true });
    await receiveWebhook(pushOf(['docs/x.md']), deps);
    expect(looked).toEqual([url]);
  });
});

describe('a pull request', () => {
  it('evaluates the sets that list it', async () => {
    const { deps, outcomes } = setUp({ applications: [], generators: false });
    const repository = { name: 'b', url: 'https://api.github.com/repos/a/b', owner: { login: 'a' } };
    const body = Buffer.from(JSON.stringify({ action: 'opened', repository }));
    await receiveWebhook({ headers: { 'x-github-event': 'pull_request' }, body }, deps);
    expect(outcomes).toEqual(['github accepted']);
  });
});

describe('a push to a registry', () => {
  it.each([
    ['an artifact', { repoURL: 'oci://ghcr.io/acme/charts/web', targetRevision: '1.x' }, true],
    ['a chart', { repoURL: 'ghcr.io/acme/charts', chart: 'web', targetRevision: '1.x' }, true],
    ['another chart', { repoURL: 'ghcr.io/acme/charts', chart: 'api', targetRevision: '1.x' }, false],
    ['another version', { repoURL: 'ghcr.io/acme/charts', chart: 'web', targetRevision: '1.1.0' }, false],
  ])('is looked at, or not: %s', async (_name, location, looks) => {
    const { looked, outcomes, deps } = setUp({ applications: [], generators: false });
    const wanted = () => new Map([[location.repoURL, [location]]]);
    const call = { headers: { 'x-github-event': 'package' }, body: Buffer.from(JSON.stringify(ghcrEvent())) };
    await receiveWebhook(call, { ...deps, wanted });
    expect(looked).toEqual(looks ? [location.repoURL] : []);
    expect(outcomes).toEqual([`ghcr ${looks ? 'accepted' : 'ignored'}`]);
  });
});

describe('a call that anybody may send', () => {
  it.each([1, 10])('compiles one expression, however much is read: %i addresses', async (count) => {
    const read = (repositories: number) => {
      const locations = Array.from({ length: repositories }, (_, i) => ({
        repoURL: `https://git.example.com/read/${i}.git`,
        targetRevision: 'main',
      }));
      return new Map(locations.map((location) => [location.repoURL, [location]]));
    };
    const { deps, looked } = setUp({ applications: [], generators: false });
    const compiled = countExpressions();
    await receiveWebhook(callFromHarbor(count), { ...deps, wanted: () => read(1) });
    const atOne = compiled();
    await receiveWebhook(callFromHarbor(count), { ...deps, wanted: () => read(500) });
    expect(atOne).toBeGreaterThan(0);
    expect(compiled() - atOne).toBeLessThanOrEqual(atOne);
    expect(looked).toEqual(['https://git.example.com/read/0.git', 'https://git.example.com/read/0.git']);
  });
});
