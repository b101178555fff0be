import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeyPair, formatBase32, isSignedBy, type KeyKind, parseSeed } from './nkeys.ts';

const kinds: KeyKind[] = ['operator', 'account', 'user'];

describe('NATS keys', () => {
  it.each([
    ['operator', /^O[A-Z2-7]{55}$/, /^SO[A-Z2-7]{56}$/],
    ['account', /^A[A-Z2-7]{55}$/, /^SA[A-Z2-7]{56}$/],
    ['user', /^U[A-Z2-7]{55}$/, /^SU[A-Z2-7]{56}$/],
  ] as const)('names a key of an %s by its letter', (kind, publicKey, seed) => {
    const key = createKeyPair(kind);
    expect(key.publicKey).toMatch(publicKey);
    expect(key.seed()).toMatch(seed);
  });

  it.each(kinds)('reads back the seed of an %s', (kind) => {
    const key = createKeyPair(kind);
    const again = parseSeed(key.seed());
    expect([again.kind, again.publicKey]).toEqual([kind, key.publicKey]);
    expect(isSignedBy(key.publicKey, Buffer.from('x'), again.sign(Buffer.from('x')))).toBe(true);
  });

  // the pair that NATS's documentation shows
  it('derives the public key that NATS derives', () => {
    expect(parseSeed('SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY').publicKey).toBe(
      'UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4',
    );
  });

  it.each([
    ['a flipped letter', (seed: string) => `${seed.slice(0, 20)}${seed[20] === 'A' ? 'B' : 'A'}${seed.slice(21)}`],
    ['a missing end', (seed: string) => seed.slice(0, -2)],
    ['a public key', () => createKeyPair('user').publicKey],
    ['other letters', () => 'su1!'],
    ['nothing', () => ''],
  ])('refuses %s as a seed', (_name, change) => {
    expect(() => parseSeed(change(createKeyPair('user').seed()))).toThrow(/not a NATS seed/);
  });

  it('accepts only the signature over exactly these bytes by exactly this key', () => {
    const key = createKeyPair('user');
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (data, at) => {
        const signature = key.sign(data);
        const changed = Uint8Array.from(data);
        changed[at % data.length] = (data[at % data.length] ?? 0) ^ 1;
        expect(isSignedBy(key.publicKey, data, signature)).toBe(true);
        expect(isSignedBy(key.publicKey, changed, signature)).toBe(false);
        expect(isSignedBy(createKeyPair('user').publicKey, data, signature)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foobar', 'MZXW6YTBOI'],
  ])('writes base32 of %j as RFC 4648 does', (text, expected) => {
    expect(formatBase32(Buffer.from(text))).toBe(expected);
  });
});
