import { describe, expect, it } from 'vitest';
import { whyNotClusterName } from './cluster-name.ts';
import { formatEnrolmentToken, parseEnrolmentToken } from './enrolment-token.ts';

const token = { hub: 'https://hub.example:8443', ca: 'a'.repeat(64), id: 'abc', secret: 's3cret-text' };
const encode = (value: unknown) => `wh1.${Buffer.from(JSON.stringify(value)).toString('base64url')}`;

describe('enrolment tokens', () => {
  it('come back as they were', () => {
    expect(parseEnrolmentToken(` ${formatEnrolmentToken(token)}\n`)).toEqual(token);
    const { ca: _, ...withoutCa } = token;
    expect(parseEnrolmentToken(formatEnrolmentToken(withoutCa))).toEqual(withoutCa);
  });

  it.each([
    ['another text', 's3cret-text'],
    ['a cut token', formatEnrolmentToken(token).slice(0, -9)],
    ['a token without secret', encode({ ...token, secret: '' })],
    ['a hub without TLS', encode({ ...token, hub: 'http://hub.example' })],
    ['a fingerprint that is none', encode({ ...token, ca: 'zz' })],
    ['a list', encode([])],
  ])('are refused when they are %s, without being repeated', (_name, text) => {
    expect(() => parseEnrolmentToken(text)).toThrow(
      expect.objectContaining({ code: 'TokenInvalid', message: expect.not.stringContaining('s3cret') }),
    );
  });
});

describe('cluster names', () => {
  it.each(['a', 'us-east', '0', 'a'.repeat(63)])('may be %s', (name) => {
    expect(whyNotClusterName(name)).toBeUndefined();
  });

  it.each(['', '-a', 'a-', 'A', 'a.b', 'a*', '>', 'a b', 'a\n', 'ü', 'a'.repeat(64)])('may not be %j', (name) => {
    expect(whyNotClusterName(name)).toMatch(/must be 1 to 63/);
  });
});
