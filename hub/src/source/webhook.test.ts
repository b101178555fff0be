import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { shortRef } from './webhook/provider.ts';
import {
  affects,
  designates,
  maxPayloadBytes,
  type PushEvent,
  parsePushEvent,
  type WebhookSecrets,
} from './webhook.ts';

interface Case {
  id: string;
  area: string;
  input: Record<string, unknown>;
  expected: unknown;
  deviates?: string;
}

const fixtures = new URL('../../../../shared/fixtures/argocd/webhooks.json', import.meta.url);
const cases = (JSON.parse(readFileSync(fixtures, 'utf8')) as Case[]).filter((one) => !one.deviates);
const casesOf = (area: string) => cases.filter((one) => one.area === `webhooks.${area}`);

describe('Argo CD cases', () => {
  it.each(casesOf('urlMatch'))('$id', ({ input, expected }) => {
    expect(designates(input['webURL'] as string, input['repoURL'] as string)).toBe(expected);
  });

  it.each(casesOf('revisionMatches'))('$id', ({ input, expected }) => {
    const changes = [{ revision: input['revision'] as string, shaBefore: '', shaAfter: '' }];
    const push = { changes, touchedHead: input['touchedHead'] as boolean };
    expect(affects(push, input['targetRevision'] as string)).toBe(expected);
  });

  it.each(casesOf('parseRevision'))('$id', ({ input, expected }) => {
    expect(shortRef(input['ref'] as string)).toBe(expected);
  });

  // Azure DevOps and container registries are not supported yet: their calls are nobody's
  const isForeign = ({ id }: Case) => /^(azure|ghcr|harbor)/.test(id);
  const known = casesOf('parse').filter((one) => !isForeign(one));
  const fails = ({ expected }: Case) => (expected as Record<string, unknown>)['error'] !== undefined;
  it.each(known.filter((one) => !fails(one)))('parse $id', ({ input, expected }) => {
    expect(inArgoShape(parsePushEvent(toCall(input)))).toEqual(pick(expected as Record<string, unknown>));
  });

  it.each(known.filter(fails))('refuse $id', ({ input }) => {
    expect(() => parsePushEvent(toCall(input))).toThrow(expect.objectContaining({ status: 400 }) as Error);
  });

  it.each(casesOf('parse').filter(isForeign))('unhandled $id', ({ input }) => {
    const headers = input['headers'] as Record<string, string>;
    expect(parsePushEvent({ headers, body: Buffer.from('{}'), secrets: {} })).toBeUndefined();
  });
});

function toCall(input: Record<string, unknown>): Parameters<typeof parsePushEvent>[0] {
  const { headers, body } = input;
  return {
    headers: headers as Record<string, string>,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    secrets: {},
  };
}

/** changedFiles is left out: which Applications a commit touches is read from tree ids. */
const asserted = ['handled', 'repoURLs', 'revision', 'shaBefore', 'shaAfter', 'touchedHead'];

function pick(expected: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(asserted.filter((key) => key in expected).map((key) => [key, expected[key]]));
}

function inArgoShape(event: PushEvent | undefined): Record<string, unknown> {
  if (!event) return { handled: false };
  const { repoURLs, touchedHead, changes } = event;
  const [first] = changes;
  return { handled: true, repoURLs, touchedHead, revision: '', shaBefore: '', shaAfter: '', ...first };
}

const body = Buffer.from(
  JSON.stringify({
    object_kind: 'push',
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
    expect(event).toEqual({ provider, repoURLs: [], changes: [], touchedHead: false });
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
