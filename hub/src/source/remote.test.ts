import { describe, expect, it } from 'vitest';
import { type Repository, remoteKey, toRemote } from './remote.ts';

const none = { rewrites: [], allowFile: false };
const remoteOf = (url: string, credentials?: Repository['credentials']) => toRemote({ url, credentials }, none);

describe('toRemote', () => {
  it.each([
    { url: 'https://git.example.com/a/b.git', scheme: 'https', host: 'git.example.com' },
    { url: 'HTTPS://git.example.com:8443/a', scheme: 'https', host: 'git.example.com:8443' },
    { url: 'http://127.0.0.1:3000/a', scheme: 'http', host: '127.0.0.1:3000' },
    { url: 'ssh://git@git.example.com:2222/a/b', scheme: 'ssh', host: 'git.example.com:2222' },
    { url: 'git@git.example.com:a/b.git', scheme: 'ssh', host: 'git.example.com' },
    { url: 'git.example.com:a/b.git', scheme: 'ssh', host: 'git.example.com' },
    { url: 'git@[::1]:a/b.git', scheme: 'ssh', host: '[::1]' },
  ])('accepts $url', ({ url, scheme, host }) => {
    expect(remoteOf(url)).toMatchObject({ url, display: url, scheme, host });
  });

  it.each([
    'git://git.example.com/a',
    'ftp://git.example.com/a',
    'file:///etc',
    '/etc',
    'relative/path',
    '',
    'ext::sh -c "touch /tmp/x"',
    'ssh://-oProxyCommand=id/a',
    '-oProxyCommand=id:a',
    'git@-oProxyCommand=id:a',
    'https:///a',
    'https://git.example.com/a\nb',
  ])('refuses %j', (url) => {
    expect(() => remoteOf(url)).toThrow(expect.objectContaining({ code: 'Invalid' }) as Error);
  });

  it('allows local paths only where that is asked for', () => {
    expect(toRemote({ url: '/srv/a' }, { rewrites: [], allowFile: true }).scheme).toBe('file');
  });

  it.each([
    { url: 'https://ada:p%40ss@git.example.com/a', credentials: { username: 'ada', password: 'p@ss' } },
    { url: 'https://tok:@git.example.com/a', credentials: { username: 'tok', password: '' } },
    { url: 'https://100%:x@git.example.com/a', credentials: { username: '100%', password: 'x' } },
  ])('moves credentials out of $url', ({ url, credentials }) => {
    expect(remoteOf(url)).toMatchObject({
      url: 'https://git.example.com/a',
      display: 'https://git.example.com/a',
      credentials,
    });
  });

  it('prefers credentials that were configured to those in the URL', () => {
    const { credentials } = remoteOf('https://ada:old@git.example.com/a', { username: 'ada', password: 'new' });
    expect(credentials.password).toBe('new');
  });

  it('never shows a credential of a refused URL', () => {
    expect(() => remoteOf('ftp://ada:s3cret@git.example.com/a')).toThrow(
      expect.not.stringContaining('s3cret') as string,
    );
  });
});

describe('rewrites', () => {
  const rewrites = [
    { from: 'https://github.com/', to: 'https://mirror.example.com/gh/' },
    { from: 'https://github.com/acme/', to: 'http://127.0.0.1:3000/' },
    { from: 'git@github.com:', to: 'https://github.example.com/' },
  ];
  it.each([
    ['https://github.com/other/b', 'https://mirror.example.com/gh/other/b'],
    ['https://github.com/acme/b', 'http://127.0.0.1:3000/b'],
    ['git@github.com:acme/b', 'https://github.example.com/acme/b'],
    ['https://gitlab.com/acme/b', 'https://gitlab.com/acme/b'],
  ])('%s becomes %s', (url, expected) => {
    expect(toRemote({ url }, { rewrites, allowFile: false }).url).toBe(expected);
  });

  it('says both URLs', () => {
    const { display } = toRemote({ url: 'https://github.com/acme/b' }, { rewrites, allowFile: false });
    expect(display).toBe('https://github.com/acme/b (rewritten to http://127.0.0.1:3000/b)');
  });
});

describe('remoteKey', () => {
  it('is the same whatever the credentials and trailing slashes', () => {
    expect(remoteKey(remoteOf('https://a:b@git.example.com/a/'), 'native')).toBe(
      remoteKey(remoteOf('https://git.example.com/a'), 'native'),
    );
  });

  it('differs by engine', () => {
    const remote = remoteOf('https://git.example.com/a');
    expect(remoteKey(remote, 'native')).not.toBe(remoteKey(remote, 'isomorphic'));
  });
});
