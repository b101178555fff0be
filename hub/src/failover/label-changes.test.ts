import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { describe, expect, it } from 'vitest';
import { type FailoverRequest, failoverLabels } from './label-changes.ts';

const fleet = [
  { name: 'eu-1', labels: { region: 'eu', role: 'active', tier: 'gold' } },
  { name: 'eu-2', labels: { region: 'eu', role: 'active', tier: 'gold' } },
  { name: 'us-1', labels: { region: 'us', role: 'standby', tier: 'gold', zone: 'a' } },
  { name: 'ap-1', labels: { region: 'ap', tier: 'gold' } },
  { name: 'ap-2', labels: { region: 'ap', role: 'standby', tier: 'gold' } },
];

function setOf(...generators: ApplicationSet['spec']['generators']): ApplicationSet {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'fleet', namespace: 'argocd' },
    spec: { generators, template: { metadata: { name: 'a' }, spec: { project: 'default', destination: {} } } },
  };
}

const byRole = setOf({
  matrix: {
    generators: [
      { git: { repoURL: 'x', revision: 'HEAD' } },
      { clusters: { selector: { matchLabels: { role: 'active' } } } },
    ],
  },
});
const byTier = setOf({ clusters: { selector: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] } } });
const byRegion = setOf({ clusters: { selector: { matchLabels: { region: 'eu' } } } });

function labels(request: Partial<FailoverRequest>, sets = [byRole, byTier, byRegion]) {
  return Object.fromEntries(failoverLabels({ from: 'region=eu', to: 'region=us', ...request }, fleet, sets));
}

describe('the labels of a failover', () => {
  it('are exchanged, the one that both sides differ in and that is no fact of a side', () => {
    expect(labels({})).toEqual({
      'eu-1': { role: 'standby' },
      'eu-2': { role: 'standby' },
      'us-1': { role: 'active' },
    });
  });

  it('are removed where the other side has none', () => {
    expect(labels({ to: 'region=ap,!role' })).toMatchObject({ 'eu-1': { role: null }, 'ap-1': { role: 'active' } });
  });

  it('are those that are named, or given', () => {
    expect(labels({ labels: ['region'] })).toMatchObject({ 'eu-1': { region: 'us' }, 'us-1': { region: 'eu' } });
    expect(labels({ setFrom: { drained: 'yes' }, setTo: { role: null } })).toEqual({
      'eu-1': { drained: 'yes' },
      'eu-2': { drained: 'yes' },
      'us-1': { role: null },
    });
  });

  it.each<[string, Partial<FailoverRequest>, ApplicationSet[] | undefined, RegExp]>([
    ['onto itself', { to: 'tier=gold' }, undefined, /onto itself: eu-1, eu-2 matches both/],
    ['from nowhere', { from: 'region=mars' }, undefined, /no cluster has labels 'region=mars'/],
    ['without a selector', { from: ' ' }, undefined, /selector of a failover is empty/],
    [
      'by a label in which a side differs',
      { to: 'region=ap', labels: ['role'] },
      undefined,
      /clusters of 'region=ap' differ in role \(none, standby\)/,
    ],
    ['by a label that both have', { labels: ['tier'] }, undefined, /same tier=gold/],
    [
      'where nothing places by a label that differs',
      {},
      [byTier, byRegion],
      /no label besides region .* name the labels/,
    ],
    [
      'where a side has more clusters than was thought',
      { to: 'region=ap' },
      undefined,
      /no label besides region .* differs between both sides, and clusters of 'region=ap' differ in role \(none, standby\); name the labels/,
    ],
    [
      'where several labels may be meant',
      {},
      [byRole, setOf({ clusters: { selector: { matchLabels: { zone: 'a' } } } })],
      /several labels in which both sides differ: role, zone/,
    ],
  ])('are refused %s', (...[_what, request, sets, message]) => {
    expect(() => labels(request, sets)).toThrow(message);
  });
});
