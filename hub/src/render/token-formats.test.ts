import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { describe, expect, it } from 'vitest';
import { warnOfTokens } from './token-formats.ts';

// put together here, so that nobody who scans this repository for tokens finds one
const token = {
  aws: `AKIA${'ABCD1234'.repeat(2)}`,
  github: `ghp_${'a1'.repeat(18)}`,
  gitlab: `glpat-${'a1'.repeat(10)}`,
  slack: `xoxb-${'1'.repeat(12)}`,
  stripe: `sk_live_${'a1'.repeat(12)}`,
  google: `AIza${'a'.repeat(35)}`,
  npm: `npm_${'a1'.repeat(18)}`,
  sendgrid: `SG.${'a'.repeat(22)}.${'b'.repeat(43)}`,
  jwt: `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}.${'c'.repeat(30)}`,
  key: '-----BEGIN RSA PRIVATE KEY-----\nMII\n',
};

const configMap = (data: Record<string, unknown>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace: 'shop' },
  data,
});

describe('values that look like tokens', () => {
  it.each([
    ['an AWS access key id', token.aws],
    ['a GitHub token', token.github],
    ['a GitLab token', token.gitlab],
    ['a Slack token', token.slack],
    ['a Stripe live key', token.stripe],
    ['a Google API key', token.google],
    ['an npm token', token.npm],
    ['a SendGrid key', token.sendgrid],
    ['a JSON web token', token.jwt],
    ['a private key', token.key],
  ])('are named: %s', (what, value) => {
    const [warning = '', ...more] = warnOfTokens([configMap({ file: `a: 1\nb: "${value}"\n` })]);
    expect(more).toEqual([]);
    expect(warning).toMatch(/^TokenInManifestWarning: .*shop\/settings has in data\.file what looks like /);
    expect(warning).toContain(`looks like ${what}:`);
    expect(warning).not.toContain(value.slice(0, 20));
  });

  it.each<[string, Record<string, unknown>]>([
    ['a placeholder', { a: '${GITHUB_TOKEN}', b: 'ghp_xxx', c: 'sk_test_abcdefghijklmnop1234' }],
    ['a digest', { a: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' }],
    ['a certificate', { a: '-----BEGIN CERTIFICATE-----\nMII\n' }],
    ['no text', { a: 1, b: null }],
  ])('are not seen in %s', (_what, data) => {
    expect(warnOfTokens([configMap(data)])).toEqual([]);
  });

  it.each<[string, (spec: object) => object]>([
    ['Pod', (spec) => spec],
    ['Deployment', (spec) => ({ template: { spec } })],
    ['CronJob', (spec) => ({ jobTemplate: { spec: { template: { spec } } } })],
  ])('are found in the environment of a %s', (kind, wrap) => {
    const env = [
      { name: 'TOKEN', value: token.github },
      { name: 'REF', valueFrom: { secretKeyRef: { name: 'x', key: 'y' } } },
    ];
    const spec = wrap({ initContainers: [{ name: 'init', env }], containers: [{ name: 'web' }] });
    const warnings = warnOfTokens([{ apiVersion: 'v1', kind, metadata: { name: 'web' }, spec }]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('environment variable TOKEN of container init what looks like a GitHub token');
  });

  it('are counted beyond the first twenty', () => {
    const data = Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`k${index}`, token.aws]));
    const warnings = warnOfTokens([configMap(data)]);
    expect(warnings).toHaveLength(21);
    expect(warnings.at(-1)).toBe('TokenInManifestWarning: 5 more values look like tokens');
  });
});

it('reads a long value in linear time, however often something begins in it', () => {
  const before = process.cpuUsage();
  for (const piece of ['eyJ-', 'eyJ'.padEnd(13, 'a') + '-', 'xoxb-!', 'SG.', '-----BEGIN '])
    expect(warnOfTokens([configMap({ file: piece.repeat(1_000_000 / piece.length) })])).toEqual([]);
  // read again at each beginning, it takes seconds
  expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
});
