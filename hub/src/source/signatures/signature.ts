import type { IntegrityPolicy } from '../../project/integrity.ts';

/** What gpg says of the signature of a commit or tag. */
export interface Signature {
  /** `commit 1234567` or `tag v1`. */
  object: string;
  /** `Name <email>`, as the object has it: nobody vouches for it. */
  author: string;
  /** git: %G?. Only G is good. */
  grade: string;
  /** Of the key that signed, which may be a subkey, and of its primary key. */
  fingerprint: string;
  primary: string;
}

const grades: Record<string, string> = {
  N: 'it is not signed',
  B: 'its signature is bad',
  U: 'nobody vouches for the key of its signature',
  X: 'its signature has expired',
  Y: 'the key of its signature has expired',
  R: 'the key of its signature was revoked',
  E: 'the key of its signature is not in argocd-gpg-keys-cm',
};

/** Why a signature does not do; undefined when one of the policy's keys, or a subkey of one, made it. */
export function whyNotAccepted(signature: Signature, { keys }: Pick<IntegrityPolicy, 'keys'>): string | undefined {
  const { grade, fingerprint, primary, object, author } = signature;
  const who = `${object} by ${JSON.stringify(author)}`;
  if (grade !== 'G') return `${who}: ${grades[grade] ?? 'its signature cannot be checked'}`;
  if (keys.some((key) => isKey(key, fingerprint) || isKey(key, primary))) return undefined;
  return `${who}: it is signed with the key ${(primary || fingerprint).slice(-16)}, which is none of ${keys.join(', ') || 'no keys'}`;
}

/** Argo CD: a key is named by the last 16 digits of its fingerprint; a whole fingerprint is compared whole. */
function isKey(key: string, fingerprint: string): boolean {
  const [named, known] = [key.toUpperCase().replace(/^0X/u, ''), fingerprint.toUpperCase()];
  if (!/^[\dA-F]{40}$/u.test(known)) return false;
  return /^(?:[\dA-F]{16}|[\dA-F]{40})$/u.test(named) && known.endsWith(named);
}

const fields = 5;

/** `git log -z` of `logFormat`. */
export const logFormat = '%H%x00%G?%x00%GF%x00%GP%x00%an <%ae>';

export function parseLog(output: string): Signature[] {
  const texts = output.replace(/\0$/u, '').split('\0');
  return Array.from({ length: Math.floor(texts.length / fields) }, (_, index) => {
    const [sha = '', grade = '', fingerprint = '', primary = '', author = ''] = texts.slice(index * fields);
    return { object: `commit ${sha.slice(0, 7)}`, author, grade, fingerprint, primary };
  });
}

const verdicts: Record<string, string> = {
  GOODSIG: 'G',
  EXPSIG: 'X',
  EXPKEYSIG: 'Y',
  REVKEYSIG: 'R',
  BADSIG: 'B',
  ERRSIG: 'E',
};

/** gpg: lines of --status-fd, as `git verify-tag --raw` gives them. Several signatures are as bad as a bad one. */
export function parseStatus(output: string, object: { object: string; author: string }): Signature {
  const lines = output.split('\n').flatMap((line) => (line.startsWith('[GNUPG:] ') ? [line.split(' ').slice(1)] : []));
  const found = lines.flatMap(([word = '']) => verdicts[word] ?? []);
  const valid = lines.filter(([word]) => word === 'VALIDSIG');
  const [grade = 'N', ...others] = found;
  const isOne = others.length === 0 && valid.length <= 1;
  const [, fingerprint = '', ...rest] = valid[0] ?? [];
  return { ...object, grade: isOne ? grade : 'B', fingerprint, primary: rest.at(-1) ?? '' };
}
