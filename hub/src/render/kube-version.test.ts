import { describe, expect, it } from 'vitest';
import { parseKubeVersion } from './kube-version.ts';

describe('parseKubeVersion', () => {
  it.each([
    ['', ''],
    ['1.30', '1.30'],
    ['v1.30.1', '1.30.1'],
    ['v1.30.1-gke.100+abc', '1.30.1'],
    [' 1.28.0', '1.28.0'],
    ['1.30+', '1.30'],
  ])('%j is %j', (text, expected) => {
    expect(parseKubeVersion(text)).toBe(expected);
  });

  it.each(['bad', '1', 'v', '01.2', '-1.2'])('refuses %j', (text) => {
    expect(() => parseKubeVersion(text)).toThrow(`kubeVersion ${text} is no Kubernetes version`);
  });
});
