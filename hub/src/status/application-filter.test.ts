import { parseSelector } from '@wheelhouse/shared/kube/selector-text';
import type { Application } from '@wheelhouse/shared/resources/application';
import { describe, expect, it } from 'vitest';
import { applicationOf } from '../testing/hub-state.ts';
import { type ApplicationFilter, matchesFilter } from './application-filter.ts';
import type { ApplicationView } from './view.ts';

const application: Application = {
  ...applicationOf('shop', { metadata: { labels: { tier: 'gold' } } }),
  status: { sync: { status: 'Synced' }, health: { status: 'Healthy' } },
};
const view: ApplicationView = { application, cluster: 'east', stale: false };

describe('a filter', () => {
  it.each<[string, ApplicationFilter, boolean]>([
    ['that says nothing', {}, true],
    ['by name', { name: 'shop' }, true],
    ['by another name', { name: 'sho' }, false],
    ['by namespace', { namespace: 'argocd' }, true],
    ['by another namespace', { namespace: 'team' }, false],
    ['by cluster', { cluster: 'east' }, true],
    ['by another cluster', { cluster: 'west' }, false],
    ['by one of several projects', { projects: ['team', 'default'] }, true],
    ['by no project', { projects: [] }, false],
    ['by label', { labels: parseSelector('tier=gold') }, true],
    ['by another label', { labels: parseSelector('tier=tin') }, false],
    ['by repository', { repo: 'https://git.example.com/shop.git' }, true],
    ['by another repository', { repo: 'https://git.example.com/cart.git' }, false],
    ['by health', { health: ['Degraded', 'Healthy'] }, true],
    ['by another health', { health: ['Degraded'] }, false],
    ['by sync', { sync: ['Synced'] }, true],
    ['by another sync', { sync: ['OutOfSync'] }, false],
    ['of which one part does not match', { name: 'shop', cluster: 'west' }, false],
  ])('%s', (_name, filter, matches) => {
    expect(matchesFilter(view, filter)).toBe(matches);
  });

  it('takes an Application without status for Unknown', () => {
    const bare = { application: applicationOf('shop'), stale: false };
    expect(matchesFilter(bare, { health: ['Unknown'], sync: ['Unknown'] })).toBe(true);
  });

  it('looks at every source of several', () => {
    const sources = [{ repoURL: 'https://git.example.com/a.git' }, { repoURL: 'https://git.example.com/b.git' }];
    const several = { application: applicationOf('shop', { spec: { sources } }), stale: false };
    expect(matchesFilter(several, { repo: 'https://git.example.com/b.git' })).toBe(true);
  });
});
