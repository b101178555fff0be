import { describe, expect, it } from 'vitest';
import { readHubConfig, redactHubConfig } from './config.ts';

describe("the hub's settings", () => {
  it('hold URL rewrites', () => {
    const text = 'https://github.com/=https://mirror.example/?a=b, git@github.com:=https://mirror.example/';
    expect(readHubConfig({ WHEELHOUSE_GIT_REWRITES: text }).gitRewrites).toEqual([
      { from: 'https://github.com/', to: 'https://mirror.example/?a=b' },
      { from: 'git@github.com:', to: 'https://mirror.example/' },
    ]);
  });

  it.each(['https://github.com', '=https://mirror.example/', 'https://github.com/='])(
    'refuse %s as a rewrite',
    (pair) => {
      expect(() => readHubConfig({ WHEELHOUSE_GIT_REWRITES: pair })).toThrow(`'${pair}' is not a rewrite such as`);
    },
  );

  it.each([
    ['2m', 120_000],
    ['24h', 86_400_000],
  ])('let a cluster be lost after %s', (text, ms) => {
    expect(readHubConfig({ WHEELHOUSE_LOST_AFTER: text }).lostAfter).toBe(ms);
  });

  it.each(['90s', '25h', 'soon'])('refuse to take a cluster for lost after %s', (text) => {
    expect(() => readHubConfig({ WHEELHOUSE_LOST_AFTER: text })).toThrow(/LOST_AFTER/u);
  });

  it('are logged without secrets', () => {
    const config = readHubConfig({
      WHEELHOUSE_GIT_REWRITES: 'https://github.com/=https://ann:s3cret@mirror.example/',
      WHEELHOUSE_NATS_URL: 'tls://hub:s3cret@nats.example:4222',
      WHEELHOUSE_OTLP_ENDPOINT: 'https://x:p@s3cret@otlp.example',
      WHEELHOUSE_REDIS_URL: 'redis://:s3cret@redis',
      WHEELHOUSE_WEBHOOK_SECRET_GITHUB: 's3cret',
    });
    const logged = JSON.stringify(redactHubConfig(config));
    expect(logged).not.toContain('s3cret');
    expect(logged).toContain('https://mirror.example/');
  });
});
