import { describe, expect, it } from 'vitest';
import { expiryOf, mintAccount, mintUser, parseJwt } from './jwt.ts';
import { createKeyPair } from './nkeys.ts';

const account = createKeyPair('account');
const user = createKeyPair('user');
const mint = (expiresAt?: Date) =>
  mintUser({
    name: 'us-east',
    user: user.publicKey,
    signer: account,
    account: account.publicKey,
    scoped: true,
    ...(expiresAt ? { expiresAt } : {}),
  });

describe('NATS JWTs', () => {
  it('reads back a user', () => {
    const expiresAt = new Date('2030-01-01T00:00:00Z');
    const claims = parseJwt(mint(expiresAt));
    expect(claims).toMatchObject({ name: 'us-east', sub: user.publicKey, iss: account.publicKey });
    expect(claims.nats).toEqual({ type: 'user', version: 2, issuer_account: account.publicKey });
    expect(expiryOf(claims)).toEqual(expiresAt);
  });

  it('ends never unless told', () => {
    expect(expiryOf(parseJwt(mint()))).toBeUndefined();
  });

  it.each([
    [
      'changed claims',
      (jwt: string) =>
        jwt.replace(
          /\.[^.]*\./,
          `.${Buffer.from(JSON.stringify({ ...parseJwt(jwt), name: 'us-west' })).toString('base64url')}.`,
        ),
      'SignatureInvalid',
    ],
    [
      'the signature of another',
      (jwt: string) => `${jwt.slice(0, jwt.lastIndexOf('.'))}.${user.sign(Buffer.from('x')).toString('base64url')}`,
      'SignatureInvalid',
    ],
    ['no signature', (jwt: string) => jwt.slice(0, jwt.lastIndexOf('.')), 'Malformed'],
    ['claims that are no JSON', () => 'a.b.c', 'Malformed'],
    ['claims without issuer', () => `a.${Buffer.from('{}').toString('base64url')}.c`, 'Malformed'],
  ])('refuses %s', (_name, change, code) => {
    expect(() => parseJwt(change(mint()))).toThrow(expect.objectContaining({ code }));
  });

  it('writes the renaming of an import and the template of a scoped key as NATS reads them', () => {
    const jwt = mintAccount({
      name: 'FLEET',
      account: account.publicKey,
      operator: createKeyPair('operator'),
      imports: [{ name: 'document', subject: 'stored.*', account: 'A', type: 'service', localSubject: 'get.$1' }],
      scopedKeys: [
        {
          key: user.publicKey,
          role: 'spoke',
          permissions: { publish: ['up.{{name()}}.>'], subscribe: [] },
          maxSubscriptions: 5,
          maxPayload: 10,
        },
      ],
    });
    const { nats } = parseJwt(jwt);
    expect(nats.imports).toEqual([
      { name: 'document', subject: 'stored.*', account: 'A', type: 'service', local_subject: 'get.$1' },
    ]);
    expect(nats.signing_keys).toEqual([
      {
        kind: 'user_scope',
        key: user.publicKey,
        role: 'spoke',
        template: { pub: { allow: ['up.{{name()}}.>'] }, sub: { allow: [] }, subs: 5, data: -1, payload: 10 },
      },
    ]);
  });
});
