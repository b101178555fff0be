import { describe, expect, it } from 'vitest';
import type { HttpAnswer } from '../http/http-client.ts';
import { createTokens } from './oci-token.ts';

const signal = new AbortController().signal;

async function obtain(asked: { origin?: string; realm?: string; answer?: unknown; status?: number }): Promise<string> {
  const { origin = 'https://registry.example', realm = 'https://auth.example/token', answer = { token: 't' } } = asked;
  const body = Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer));
  const sent: string[] = [];
  const http = {
    send: async ({ url }: { url: string }): Promise<HttpAnswer> => {
      sent.push(url);
      return { status: asked.status ?? 200, headers: {}, body, url };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const challenge = `Bearer realm="${realm}",service="reg",scope="repository:a:pull"`;
  const token = await createTokens(http, () => 0).obtain({ origin, scope: 's', challenge }, signal);
  return `${token} of ${sent.join()}`;
}

describe('a token of a registry', () => {
  it.each<[string, Parameters<typeof obtain>[0], string]>([
    ['another host over TLS', {}, 't of https://auth.example/token?scope=repository%3Aa%3Apull&service=reg'],
    [
      'the same host without TLS, as the registry has none',
      {
        origin: 'http://registry.example:5000',
        realm: 'http://registry.example:5001/auth',
        answer: { access_token: 'a' },
      },
      'a of http://registry.example:5001/auth?scope=repository%3Aa%3Apull&service=reg',
    ],
  ])('is asked of %s', async (...[, asked, expected]) => {
    expect(await obtain(asked)).toBe(expected);
  });

  it.each<[string, Parameters<typeof obtain>[0], string]>([
    [
      'its own host without TLS, where it has TLS',
      { realm: 'http://registry.example/token' },
      'http://registry.example/token, which is not https',
    ],
    [
      'another host without TLS',
      { origin: 'http://registry.example', realm: 'http://auth.example/t' },
      'which is not https',
    ],
    ['what is no URL', { realm: 'token please' }, 'sends logins to nowhere'],
    ['what is not HTTP', { origin: 'http://registry.example', realm: 'ftp://registry.example/' }, 'which is not https'],
  ])('is not asked of %s', async (...[, asked, message]) => {
    const refused = { code: 'RepositoryAuthentication', message: expect.stringContaining(message) as string };
    await expect(obtain(asked)).rejects.toMatchObject(refused);
  });

  it.each<[string, unknown, number]>([
    ['is no JSON', 'secret-word', 200],
    ['has no token', { tokens: 'secret-word' }, 200],
    ['has another kind of token', { token: { a: 'secret-word' } }, 200],
    ['is nothing', 'null', 200],
    ['refuses', 'secret-word', 401],
  ])('that %s is an error that quotes nothing', async (_name, answer, status) => {
    const error = await obtain({ answer, status }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'RepositoryAuthentication' });
    const { message, cause } = error as Error;
    expect(`${message} ${String(cause)}`).not.toContain('secret-word');
  });
});
