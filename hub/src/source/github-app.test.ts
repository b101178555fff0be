import { generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createGithubAppLogins } from './github-app.ts';
import type { HttpRequest } from './http/http-client.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const privateKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const app = { id: '12', privateKeyPem, apiUrl: 'https://api.github.example' };
const repository = { url: 'https://github.example/org/shop.git' };
const signal = new AbortController().signal;

function setUp(status = 201) {
  const asked: HttpRequest[] = [];
  let time = Date.parse('2026-01-01T00:00:00Z');
  const http = {
    send: async (request: HttpRequest) => {
      asked.push(request);
      const body =
        request.method === 'GET'
          ? { id: 7 }
          : { token: `t${asked.length}`, expires_at: new Date(time + 3_600_000).toISOString() };
      return { status, headers: {}, url: request.url, body: Buffer.from(JSON.stringify(body)) };
    },
  };
  const logins = createGithubAppLogins({ http, now: () => time });
  const pass = (ms: number) => {
    time += ms;
  };
  return { asked, logins, pass };
}

describe('a GitHub App', () => {
  it('logs in with a token of its installation, until that is about to expire', async () => {
    const { asked, logins, pass } = setUp();
    const wanted = { app: { ...app, installationId: '7' }, repository };
    expect(await logins.login(wanted, signal)).toEqual({ username: 'x-access-token', password: 't1' });
    expect(await logins.login(wanted, signal)).toEqual({ username: 'x-access-token', password: 't1' });
    pass(56 * 60_000);
    expect(await logins.login(wanted, signal)).toEqual({ username: 'x-access-token', password: 't2' });
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual(
      Array.from({ length: 2 }, () => 'POST https://api.github.example/app/installations/7/access_tokens'),
    );
  });

  it('finds its installation by the repository, and signs as the App', async () => {
    const { asked, logins } = setUp();
    await logins.login({ app, repository }, signal);
    expect(asked[0]?.url).toBe('https://api.github.example/repos/org/shop/installation');
    const token = asked[0]?.headers?.['authorization']?.slice('Bearer '.length) ?? '';
    const [head = '', body = '', signature = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(body, 'base64url').toString())).toEqual({
      iat: 1767225540,
      exp: 1767226140,
      iss: '12',
    });
    const signed = Buffer.from(`${head}.${body}`);
    expect(verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  it.each([
    ['GitHub refuses it', setUp(404), app, 'https://api.github.example refuses GitHub App 12 with 404'],
    [
      'its key is none',
      setUp(),
      { ...app, privateKeyPem: 'no-key-at-all' },
      'githubAppPrivateKey of GitHub App 12 is no RSA key',
    ],
  ])('says when %s', async (...[, { logins }, wrong, message]) => {
    const login = logins.login({ app: wrong, repository }, signal);
    await expect(login).rejects.toMatchObject({
      code: 'RepositoryAuthentication',
      message: expect.stringContaining(message),
    });
    await expect(login).rejects.not.toThrow('no-key-at-all');
  });
});
