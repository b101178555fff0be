import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { affects, maxPayloadBytes, parsePullRequestEvent, parsePushEvent, type WebhookSecrets } from './webhook.ts';

const body = Buffer.from(
  JSON.stringify({
    object_kind: 'push',
    eventType: 'git.push',
    resource: {
      repository: { remoteUrl: 'https://git.example.com/a/b', defaultBranch: 'refs/heads/main' },
      refUpdates: [{ name: 'refs/heads/main', oldObjectId: '1', newObjectId: '2' }],
    },
    ref: 'refs/heads/main',
    repository: {
      html_url: 'https://git.example.com/a/b',
      default_branch: 'main',
      links: {
        clone: [{ href: 'https://git.example.com/scm/a/b.git', name: 'http' }],
        html: { href: 'https://git.example.com/a/b' },
      },
    },
    project: { web_url: 'https://git.example.com/a/b', default_branch: 'main' },
    changes: [{ ref: { id: 'refs/heads/main' } }],
    push: { changes: [{ new: { name: 'main' } }, { new: null, old: { name: 'gone' } }] },
  }),
);
const hmac = createHmac('sha256', 's3cret').update(body).digest('hex');
const wrong = createHmac('sha256', 'other').update(body).digest('hex');

const signed = [
  {
    name: 'github',
    event: { 'x-github-event': 'push' },
    header: 'x-hub-signature-256',
    good: `sha256=${hmac}`,
    bad: `sha256=${wrong}`,
  },
  { name: 'gitlab', event: { 'x-gitlab-event': 'Push Hook' }, header: 'x-gitlab-token', good: 's3cret', bad: 's3creT' },
  {
    name: 'azureDevOps',
    event: { 'x-vss-activityid': 'a' },
    header: 'authorization',
    good: `Basic ${Buffer.from('s3cret').toString('base64')}`,
    bad: `Basic ${Buffer.from('guess').toString('base64')}`,
  },
  {
    name: 'bitbucketServer',
    event: { 'x-event-key': 'repo:refs_changed' },
    header: 'x-hub-signature',
    good: `sha256=${hmac}`,
    bad: `sha256=${hmac.slice(2)}`,
  },
  { name: 'bitbucket', event: { 'x-event-key': 'repo:push' }, header: 'x-hook-uuid', good: 's3cret', bad: '' },
  { name: 'gogs', event: { 'x-gogs-event': 'push' }, header: 'x-gogs-signature', good: hmac, bad: wrong },
  {
    name: 'gitea',
    event: { 'x-gitea-event': 'push', 'x-github-event': 'push' },
    header: 'x-gitea-signature',
    good: hmac,
    bad: 'zz',
  },
] as const;

describe('signatures', () => {
  it.each(signed)('takes a genuine call: $name by $header', ({ name, event, header, good }) => {
    const push = parsePushEvent({ headers: { ...event, [header]: good }, body, secrets: { [name]: 's3cret' } });
    expect(push).toMatchObject({ provider: name, touchedHead: true });
    expect(push?.changes[0]?.revision).toBe('main');
  });

  it.each(signed)('refuses a wrong signature: $name by $header', ({ name, event, header, bad }) => {
    const call = { headers: { ...event, [header]: bad }, body, secrets: { [name]: 's3cret' } };
    expect(() => parsePushEvent(call)).toThrow(expect.objectContaining({ code: 'Forbidden' }) as Error);
  });

  it.each(signed.filter(({ name }) => name !== 'bitbucket'))('refuses an unsigned call: $name', ({ name, event }) => {
    const call = { headers: event, body, secrets: { [name]: 's3cret' } };
    expect(() => parsePushEvent(call)).toThrow(/not signed with the secret set for it/);
  });

  it('refuses a call that poses as a host without a secret', () => {
    const secrets: WebhookSecrets = { github: 's3cret' };
    expect(() => parsePushEvent({ headers: { 'x-gitlab-event': 'Push Hook' }, body, secrets })).toThrow(
      'webhook calls from gitlab are refused: set its secret, as other hosts have one',
    );
  });

  it("takes Gitea's calls with the secret of Gogs, as Argo CD does", () => {
    const headers = { 'x-gitea-event': 'push', 'x-gitea-signature': hmac };
    expect(parsePushEvent({ headers, body, secrets: { gogs: 's3cret' } })).toMatchObject({ provider: 'gitea' });
  });

  it('never shows the secret', () => {
    const call = {
      headers: { 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': 'guess' },
      body,
      secrets: { gitlab: 's3cret' },
    };
    expect(() => parsePushEvent(call)).toThrow(expect.not.stringContaining('s3cret') as string);
  });
});

describe('events', () => {
  it.each([
    ['github', { 'X-GitHub-Event': 'ping' }],
    ['gitea', { 'X-Gitea-Event': 'ping', 'X-GitHub-Event': 'ping' }],
    ['bitbucketServer', { 'X-Event-Key': 'diagnostics:ping' }],
  ])('answers a ping with nothing to do: %s', (provider, headers) => {
    const event = parsePushEvent({ headers, body: Buffer.from('{"zen":"x"}'), secrets: {} });
    expect(event).toMatchObject({ provider, repoURLs: [], changes: [], touchedHead: false });
  });

  it('reads every change of one push', () => {
    const event = parsePushEvent({ headers: { 'x-event-key': 'repo:push', 'x-hook-uuid': 'u' }, body, secrets: {} });
    expect(event?.changes.map(({ revision }) => revision)).toEqual(['main', 'gone']);
    expect(event && affects(event, 'gone')).toBe(true);
  });

  it('does nothing for a system hook that is no push', () => {
    const other = Buffer.from('{"object_kind":"","event_name":"user_create"}');
    const event = parsePushEvent({ headers: { 'x-gitlab-event': 'System Hook' }, body: other, secrets: {} });
    expect(event?.changes).toEqual([]);
  });

  it.each([
    { why: 'a body that is no JSON', headers: { 'x-github-event': 'push' }, text: 'payload=%7B%7D', code: 'Malformed' },
    { why: 'no repository', headers: { 'x-event-key': 'repo:refs_changed' }, text: '{}', code: 'Malformed' },
    { why: 'another event', headers: { 'x-github-event': 'issues' }, text: '{}', code: 'Invalid' },
  ])('refuses $why', ({ headers, text, code }) => {
    const call = { headers: headers as Record<string, string>, body: Buffer.from(text), secrets: {} };
    expect(() => parsePushEvent(call)).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('refuses a body above 50 MiB before it looks at it', () => {
    const call = { headers: {}, body: Buffer.alloc(maxPayloadBytes + 1), secrets: {} };
    expect(() => parsePushEvent(call)).toThrow(expect.objectContaining({ code: 'TooLarge' }) as Error);
  });
});

describe('pull requests', () => {
  const repository = {
    name: 'b',
    url: 'https://api.github.com/repos/a/b',
    html_url: 'https://git.example.com/a/b',
    owner: { login: 'a' },
  };
  const toRef = { repository: { slug: 'b', project: { key: 'A' } } };
  const calls = [
    {
      name: 'github',
      headers: { 'x-github-event': 'pull_request' },
      payload: { action: 'synchronize', repository },
      content: { host: 'github', owner: 'a', repo: 'b', apiHost: 'api.github.com' },
    },
    {
      name: 'gitea',
      headers: { 'x-gitea-event': 'pull_request_label', 'x-github-event': 'pull_request' },
      payload: { action: 'label_updated', repository },
      content: { host: 'gitea', owner: 'a', repo: 'b', apiHost: 'git.example.com' },
    },
    {
      name: 'gitlab',
      headers: { 'x-gitlab-event': 'Merge Request Hook' },
      payload: {
        project: { web_url: 'https://gitlab.com/a/b', path_with_namespace: 'a/b' },
        object_attributes: { action: 'update', target_project_id: 7 },
      },
      content: { host: 'gitlab', project: '7', path: 'a/b', apiHost: 'gitlab.com' },
    },
    {
      name: 'bitbucket',
      headers: { 'x-event-key': 'pullrequest:updated', 'x-hook-uuid': 'u' },
      payload: { repository: { full_name: 'a/b' } },
      content: { host: 'bitbucket', owner: 'a', repo: 'b' },
    },
    {
      name: 'bitbucketServer',
      headers: { 'x-event-key': 'pr:from_ref_updated' },
      payload: { pullRequest: { toRef } },
      content: { host: 'bitbucketServer', project: 'A', repo: 'b' },
    },
    {
      name: 'azureDevOps',
      headers: { 'x-vss-activityid': 'x' },
      payload: {
        eventType: 'git.pullrequest.updated',
        resource: { repository: { name: 'b', project: { name: 'A' } } },
      },
      content: { host: 'azuredevops', project: 'A', repo: 'b' },
    },
  ];

  it.each(calls)('says whose pull request changed: $name', ({ name, headers, payload, content }) => {
    const call = {
      headers: headers as Record<string, string>,
      body: Buffer.from(JSON.stringify(payload)),
      secrets: {},
    };
    expect(parsePullRequestEvent(call)).toEqual({ provider: name, pullRequest: content });
  });

  it('has nothing to do when a pull request was only talked about', () => {
    const text = JSON.stringify({ action: 'assigned', repository });
    const call = { headers: { 'x-github-event': 'pull_request' }, body: Buffer.from(text), secrets: {} };
    expect(parsePullRequestEvent(call)).toEqual({ provider: 'github', pullRequest: undefined });
  });

  it('leaves pushes alone', () => {
    expect(parsePullRequestEvent({ headers: { 'x-github-event': 'push' }, body, secrets: {} })).toBeUndefined();
  });
});
