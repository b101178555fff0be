import { describe, expect, it } from 'vitest';
import { resolveRevision } from './refs.ts';

const sha = (digit: string) => digit.repeat(40);
const list = {
  head: sha('1'),
  defaultBranch: 'refs/heads/main',
  refs: new Map([
    ['refs/heads/main', sha('1')],
    ['refs/heads/feature/x', sha('2')],
    ['refs/heads/both', sha('3')],
    ['refs/tags/both', sha('4')],
    ['refs/tags/v1.2.0', sha('5')],
    ['refs/tags/v1.10.0', sha('6')],
    ['refs/tags/v2.0.0-rc.1', sha('7')],
    ['refs/tags/nightly', sha('8')],
    ['refs/pull/7/head', sha('9')],
  ]),
};

describe('resolveRevision', () => {
  it.each([
    { revision: '', ref: 'refs/heads/main', digit: '1' },
    { revision: 'HEAD', ref: 'refs/heads/main', digit: '1' },
    { revision: ' main ', ref: 'refs/heads/main', digit: '1' },
    { revision: 'feature/x', ref: 'refs/heads/feature/x', digit: '2' },
    { revision: 'refs/heads/both', ref: 'refs/heads/both', digit: '3' },
    { revision: 'refs/tags/both', ref: 'refs/tags/both', digit: '4' },
    { revision: 'both', ref: 'refs/heads/both', digit: '3' },
    { revision: 'nightly', ref: 'refs/tags/nightly', digit: '8' },
    { revision: 'v1.2.0', ref: 'refs/tags/v1.2.0', digit: '5' },
    { revision: '1.*', ref: 'refs/tags/v1.10.0', digit: '6' },
    { revision: '>=1.0.0, <1.10.0', ref: 'refs/tags/v1.2.0', digit: '5' },
    { revision: '>=2.0.0-0', ref: 'refs/tags/v2.0.0-rc.1', digit: '7' },
    { revision: 'refs/pull/7/head', ref: 'refs/pull/7/head', digit: '9' },
    { revision: sha('2'), ref: 'refs/heads/feature/x', digit: '2' },
  ])('$revision is $ref', ({ revision, ref, digit }) => {
    expect(resolveRevision(list, revision, 'r')).toEqual({ sha: sha(digit), ref });
  });

  it('takes a full sha that is no tip as it is', () => {
    expect(resolveRevision(list, sha('A'), 'r')).toEqual({ sha: sha('a') });
  });

  it('takes a detached HEAD', () => {
    expect(resolveRevision({ head: sha('c'), refs: new Map() }, 'HEAD', 'r')).toEqual({ sha: sha('c') });
  });

  it.each([
    ['gone', 'revision "gone" is no branch, tag or commit in repository r'],
    ['heads/main', 'revision "heads/main" is no branch, tag or commit in repository r'],
    ['3.*', 'revision "3.*" is matched by no tag in repository r'],
    ['abc1234', 'revision "abc1234" is no branch or tag (write a commit with all its 40 digits) in repository r'],
    ['refs/heads/gone', 'revision "refs/heads/gone" is no branch, tag or commit in repository r'],
  ])('does not find %s', (revision, message) => {
    expect(() => resolveRevision(list, revision, 'r')).toThrow(message);
    expect(() => resolveRevision(list, revision, 'r')).toThrow(
      expect.objectContaining({ code: 'RevisionNotFound' }) as Error,
    );
  });

  it('says that an empty repository is empty', () => {
    expect(() => resolveRevision({ refs: new Map() }, '', 'r')).toThrow(/"HEAD" does not exist \(empty/);
  });
});
