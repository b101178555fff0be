import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ghcrEvent } from './testing/ghcr-event.ts';
import { registryHeaders } from './webhook/registry-call.ts';
import { affects, matcherOf, parsePushEvent, type WebhookSecrets } from './webhook.ts';

const ghcr = ghcrEvent({ owner: 'Acme', type: 'CONTAINER' });
const harbor = {
  type: 'PUSH_ARTIFACT',
  event_data: {
    resources: [
      { tag: '1.2.0', resource_url: 'harbor.example:8443/library/web:1.2.0' },
      { digest: 'sha256:1', resource_url: 'harbor.example:8443/library/web@sha256:1' },
    ],
    repository: { repo_full_name: 'library/web' },
  },
};

const dockerHub = {
  callback_url: 'https://registry.hub.docker.com/u/acme/web/hook/1/',
  push_data: { pushed_at: 1_417_566_161, pusher: 'ann', tag: '1.2.0' },
  repository: { name: 'web', namespace: 'acme', repo_name: 'acme/web', repo_url: 'https://hub.docker.com/r/acme/web' },
};
const quay = {
  name: 'web',
  repository: 'acme/web',
  namespace: 'acme',
  docker_url: 'quay.example:8443/acme/web',
  homepage: 'https://quay.example:8443/repository/acme/web',
  updated_tags: ['1.2.0'],
};
const fromHub = (token = '') => registryHeaders('docker-hub', token);
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));
const pushOf = (count: number) => ({
  event_data: {
    resources: numbers(count).map((name) => ({ tag: '1', resource_url: `harbor.example/library/${name}:1` })),
  },
});
const fromQuay = (token = '') => registryHeaders('quay', token);

function parse(headers: Record<string, string>, payload: object, secrets: WebhookSecrets = {}) {
  return parsePushEvent({ headers, body: Buffer.from(JSON.stringify(payload)), secrets });
}

describe('webhooks of registries', () => {
  it.each([
    ['ghcr', { 'X-GitHub-Event': 'package' }, ghcr, 'oci://ghcr.io/Acme/charts/web'],
    ['harbor', { Authorization: 'word' }, harbor, 'oci://harbor.example:8443/library/web'],
    ['dockerHub', fromHub(), dockerHub, 'oci://registry-1.docker.io/acme/web'],
    ['quay', fromQuay(), quay, 'oci://quay.example:8443/acme/web'],
    ['quay', fromQuay(), { ...quay, updated_tags: { '1.2.0': 'b750fe' } }, 'oci://quay.example:8443/acme/web'],
  ])('%s says which tag of what was pushed', (...[provider, headers, payload, repoURL]) => {
    const push = parse(headers, payload);
    expect(push?.repoURLs[0]).toBe(repoURL);
    expect(push).toMatchObject({ provider, changes: [{ revision: '1.2.0' }], touchedHead: true });
    const wanted = ['1.2.0', '1.x', '', '2.x', '1.1.0'].map((revision) => push && affects(push, revision));
    expect(wanted).toEqual([true, true, true, false, false]);
  });

  it.each([
    ['oci://ghcr.io/acme/charts/web', true],
    ['ghcr.io/acme/charts/web', true],
    ['oci://ghcr.io/acme/charts/webs', false],
    ['oci://ghcr.io/acme/charts', false],
    ['oci://quay.io/acme/charts/web', false],
  ])('an artifact that is called %s: %s', (repoURL, expected) => {
    expect(matcherOf(['oci://ghcr.io/Acme/charts/web'])(repoURL)).toBe(expected);
  });

  it.each([
    ['oci://registry-1.docker.io/acme/web', true],
    ['docker.io/acme/web', true],
    ['oci://index.docker.io/acme/web', true],
    ['oci://registry-1.docker.io/acme/webs', false],
    ['oci://quay.io/acme/web', false],
  ])('an artifact of Docker Hub that is called %s: %s', (repoURL, expected) => {
    expect(matcherOf(parse(fromHub(), dockerHub)?.repoURLs ?? [])(repoURL)).toBe(expected);
  });

  it.each([
    ['a build that Quay tells of', fromQuay(), { docker_url: 'quay.io/acme/web', docker_tags: ['1.2.0'] }],
    ['a deleted package', { 'x-github-event': 'package' }, { ...ghcr, action: 'deleted' }],
    ['another kind', { 'x-github-event': 'package' }, { ...ghcr, package: { ...ghcr.package, package_type: 'npm' } }],
    ['no tag', { 'x-github-event': 'package' }, { ...ghcr, package: { ...ghcr.package, package_version: null } }],
    [
      'digests alone',
      { authorization: 'word' },
      { ...harbor, event_data: { resources: harbor.event_data.resources.slice(1) } },
    ],
  ])('%s is nothing to do', (_name, headers, payload) => {
    expect(parse(headers as Record<string, string>, payload)).toMatchObject({ repoURLs: [], changes: [] });
  });

  it.each<[string, Record<string, string>, object, WebhookSecrets, string]>([
    ['a forged call of GitHub', { 'x-github-event': 'package' }, ghcr, { github: 's3cret' }, 'Forbidden'],
    ['another word of Harbor', { authorization: 'guess' }, harbor, { harbor: 's3cret' }, 'Forbidden'],
    ['Harbor without its secret', { authorization: 's3cret' }, harbor, { github: 's3cret' }, 'Forbidden'],
    ['another token of Docker Hub', fromHub('guess'), dockerHub, { dockerHub: 's3cret' }, 'Forbidden'],
    ['no token of Quay', fromQuay(), quay, { quay: 's3cret' }, 'Forbidden'],
    ['Docker Hub with the token of Quay', fromHub('s3cret'), dockerHub, { quay: 's3cret' }, 'Forbidden'],
    ['Docker Hub without a tag', fromHub(), { repository: dockerHub.repository }, {}, 'Malformed'],
    ['Quay without a repository', fromQuay(), { updated_tags: ['1'] }, {}, 'Malformed'],
    [
      'a call of GitHub that is sent to the address of Quay',
      { 'x-github-event': 'push', ...fromQuay() },
      {},
      {},
      'Malformed',
    ],
    ['another event of Harbor', { authorization: 'w' }, { type: 'PULL_ARTIFACT' }, {}, 'Invalid'],
    ['more tags than a push has', fromQuay(), { ...quay, updated_tags: numbers(1_001) }, {}, 'TooLarge'],
    ['more repositories than a push has', { authorization: 'w' }, { ...harbor, ...pushOf(11) }, {}, 'TooLarge'],
    [
      'a repository with a longer address than any has',
      fromQuay(),
      { ...quay, docker_url: 'a'.repeat(2_048) },
      {},
      'TooLarge',
    ],
    ['a package without a name', { 'x-github-event': 'package' }, { action: 'published' }, {}, 'Malformed'],
  ])('refuse %s', (...[, headers, payload, secrets, code]) => {
    expect(() => parse(headers, payload, secrets)).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('are taken with as many tags and repositories as that', () => {
    expect(parse(fromQuay(), { ...quay, updated_tags: numbers(1_000) })?.changes).toHaveLength(1_000);
    expect(parse({ authorization: 'w' }, { ...harbor, ...pushOf(10) })?.repoURLs).toHaveLength(10);
  });

  it('are taken when they are signed', () => {
    const signature = createHmac('sha256', 's3cret').update(JSON.stringify(ghcr)).digest('hex');
    const headers = { 'x-github-event': 'package', 'x-hub-signature-256': `sha256=${signature}` };
    expect(parse(headers, ghcr, { github: 's3cret' })?.changes).toHaveLength(1);
    expect(parse({ authorization: 's3cret' }, harbor, { harbor: 's3cret' })?.changes).toHaveLength(1);
    expect(parse(fromHub('s3cret'), dockerHub, { dockerHub: 's3cret' })?.changes).toHaveLength(1);
    expect(parse(fromQuay('s3cret'), quay, { quay: 's3cret' })?.changes).toHaveLength(1);
  });
});
