import { describe, expect, it } from 'vitest';
import { parseLog, parseStatus, type Signature, whyNotAccepted } from './signature.ts';

const primary = 'A'.repeat(24) + '4AEE18F83AFDEB23';
const subkey = `${'B'.repeat(24)}07E34825A909B250`;
const good: Signature = { object: 'commit 1234567', author: 'Ann <ann@x>', grade: 'G', fingerprint: subkey, primary };

describe('whyNotAccepted', () => {
  it.each<[string, Partial<Signature>, string[]]>([
    ['the primary key of the subkey that signed', {}, ['4AEE18F83AFDEB23']],
    ['the subkey', {}, ['07E34825A909B250']],
    ['a key in small letters', {}, ['4aee18f83afdeb23']],
    ['a whole fingerprint', {}, [primary]],
    ['one of several', {}, ['FFFFFFFFFFFFFFFF', '4AEE18F83AFDEB23']],
  ])('takes %s', (_name, signature, keys) => {
    expect(whyNotAccepted({ ...good, ...signature }, { keys })).toBeUndefined();
  });

  it.each<[string, Partial<Signature>, string[], string]>([
    ['no signature', { grade: 'N' }, ['4AEE18F83AFDEB23'], 'it is not signed'],
    ['a bad one', { grade: 'B' }, ['4AEE18F83AFDEB23'], 'its signature is bad'],
    ['an expired key', { grade: 'Y' }, ['4AEE18F83AFDEB23'], 'the key of its signature has expired'],
    ['a revoked key', { grade: 'R' }, ['4AEE18F83AFDEB23'], 'was revoked'],
    ['a key nobody gave', { grade: 'E' }, ['4AEE18F83AFDEB23'], 'is not in argocd-gpg-keys-cm'],
    ['a grade nobody knows', { grade: 'Q' }, ['4AEE18F83AFDEB23'], 'cannot be checked'],
    [
      'another key',
      {},
      ['FFFFFFFFFFFFFFFF'],
      'signed with the key 4AEE18F83AFDEB23, which is none of FFFFFFFFFFFFFFFF',
    ],
    ['the end of a key', {}, ['3AFDEB23'], 'which is none of'],
    ['no keys', {}, [], 'which is none of no keys'],
    ['another fingerprint with the same end', {}, [`${'C'.repeat(24)}4AEE18F83AFDEB23`], 'which is none of'],
    [
      'a signature without a fingerprint',
      { fingerprint: '', primary: '' },
      ['', '4AEE18F83AFDEB23'],
      'which is none of',
    ],
  ])('refuses %s', (...[, signature, keys, message]) => {
    const reason = whyNotAccepted({ ...good, ...signature }, { keys });
    expect(reason).toContain('commit 1234567 by "Ann <ann@x>": ');
    expect(reason).toContain(message);
  });
});

describe('parseStatus', () => {
  const tag = { object: 'tag v1', author: 'Ann <ann@x>' };
  const valid = `[GNUPG:] VALIDSIG ${subkey} 2026-01-01 1767225600 0 4 0 22 8 00 ${primary}`;

  it.each<[string, string, Partial<Signature>]>([
    ['a good one', `[GNUPG:] GOODSIG 07E34825A909B250 Ann\n${valid}\n`, { grade: 'G', fingerprint: subkey, primary }],
    ['none', 'error: no signature found\n', { grade: 'N', fingerprint: '', primary: '' }],
    ['an expired one', `[GNUPG:] EXPSIG 07E34825A909B250 Ann\n${valid}\n`, { grade: 'X' }],
    [
      'a good and a bad one',
      `[GNUPG:] GOODSIG 07E34825A909B250 Ann\n[GNUPG:] BADSIG 1 Eve\n${valid}\n`,
      { grade: 'B' },
    ],
    ['two good ones', `[GNUPG:] GOODSIG 07E34825A909B250 Ann\n${valid}\n${valid}\n`, { grade: 'B' }],
    ['words of a user id that look like a verdict', '[GNUPG:] ERRSIG 1 22 8 00 1 9 GOODSIG\n', { grade: 'E' }],
    ['a line that only ends like one', 'x [GNUPG:] GOODSIG 07E34825A909B250 Ann\n', { grade: 'N' }],
  ])('reads %s', (_name, output, expected) => {
    expect(parseStatus(output, tag)).toMatchObject({ ...tag, ...expected });
  });
});

it('reads what git log says of several commits', () => {
  const output = `${'1'.repeat(40)}\0G\0${subkey}\0${primary}\0Ann <ann@x>\0${'2'.repeat(40)}\0N\0\0\0Eve\n<eve@x>\0`;
  expect(parseLog(output)).toEqual([
    { object: 'commit 1111111', author: 'Ann <ann@x>', grade: 'G', fingerprint: subkey, primary },
    { object: 'commit 2222222', author: 'Eve\n<eve@x>', grade: 'N', fingerprint: '', primary: '' },
  ]);
});
