import { describe, expect, it } from 'vitest';
import { matchesSelector, parseSelector } from './selector-text.ts';

const labels = { env: 'prod', 'topology.kubernetes.io/region': 'us-east', empty: '' };

describe('selector text', () => {
  it.each([
    ['nothing', '', true],
    ['equality', 'env=prod', true],
    ['double equality', 'env==prod', true],
    ['equality of another value', 'env=dev', false],
    ['a prefixed key', 'topology.kubernetes.io/region=us-east', true],
    ['an empty value', 'empty=', true],
    ['inequality', 'env!=dev', true],
    ['inequality of an absent label', 'tier!=web', true],
    ['in', 'env in (dev, prod)', true],
    ['in, without the value', 'env in (dev)', false],
    ['notin', 'env notin (dev,test)', true],
    ['notin, with the value', 'env notin (prod)', false],
    ['existence', 'env', true],
    ['existence of an absent label', 'tier', false],
    ['absence', '!tier', true],
    ['absence of a present label', '!env', false],
    ['several, all true', 'env in (prod,dev),!tier, empty=', true],
    ['several, one false', 'env in (prod,dev),tier', false],
    ['a key of Object.prototype', 'constructor', false],
  ])('%s', (_name, text, expected) => {
    expect(matchesSelector(parseSelector(text), labels)).toBe(expected);
  });

  it.each(['env=prod=x', 'a b', 'env in prod', 'env in (a', '=x'])('refuses %s', (text) => {
    expect(() => parseSelector(text)).toThrow(/is not a label condition/);
  });
});
