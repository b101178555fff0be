import type { OrphanReport } from '@wheelhouse/shared/protocol/orphans';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { describe, expect, it } from 'vitest';
import { applicationOf, indexedOf, statusOf } from '../testing/hub-state.ts';
import { type OrphansAgent, orphanConditions, orphansOf, orphansWith } from './orphans.ts';

const projectOf = (orphanedResources?: AppProject['spec']['orphanedResources']): AppProject => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AppProject',
  metadata: { name: 'team', namespace: 'argocd' },
  spec: orphanedResources ? { orphanedResources } : {},
});
const surveyedAt = '2026-01-01T00:00:00.000Z';
const agent: OrphansAgent = { agentVersion: '1.0.0', orphans: { surveyedAt } };
const item = { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'shop', name: 'left-over' };
const found: OrphanReport = { total: 3, items: [item] };

interface World {
  project?: AppProject;
  orphans?: OrphanReport | undefined;
  agent?: OrphansAgent;
  namespace?: string;
}

function inputOf(world: World) {
  const { project = projectOf({}), namespace = 'shop' } = world;
  const application = applicationOf('shop');
  application.spec.destination.namespace = namespace;
  const orphans = 'orphans' in world ? world.orphans : found;
  return {
    indexed: indexedOf(application, { project, cluster: 'east' }),
    status: statusOf('shop', orphans ? { orphans } : {}),
    agent: 'agent' in world ? world.agent : agent,
  };
}

const warning = 'OrphanedResourceWarning: Application has 3 orphaned resources';

describe('conditions', () => {
  it.each<[string, World, string[]]>([
    ['a warning in Argo CD’s words', {}, [warning]],
    ['the same where warnings are asked for', { project: projectOf({ warn: true }) }, [warning]],
    ['none where warnings are switched off', { project: projectOf({ warn: false }) }, []],
    ['none where nothing is asked', { project: projectOf() }, []],
    ['none where there are none', { orphans: { total: 0, items: [] } }, []],
    ['none before the first survey', { orphans: undefined }, []],
    ['none of an Application without a namespace', { namespace: '' }, []],
    [
      'what could not be listed, beside what was found',
      { orphans: { ...found, problem: 'cannot list secrets' } },
      [warning, 'OrphanedResourcesUnknown: cannot list secrets'],
    ],
    [
      'why nothing newer is known',
      { agent: { agentVersion: '1.0.0', orphans: { surveyedAt, problem: 'unreachable' } } },
      [warning, 'OrphanedResourcesUnknown: unreachable'],
    ],
    [
      'that an older agent does not look',
      { orphans: undefined, agent: { agentVersion: '0.9.0' } },
      [
        'OrphanedResourcesUnknown: agent 0.9.0 of cluster east does not know how to look for orphaned resources: upgrade it',
      ],
    ],
    ['nothing of an agent that was never heard of', { orphans: undefined, agent: undefined }, []],
  ])('%s', (_name, world, expected) => {
    expect(orphanConditions(inputOf(world)).map(({ type, message }) => `${type}: ${message}`)).toEqual(expected);
  });
});

it('shows what was found with its age, warned of or not', () => {
  const shown = { total: 3, items: [item], surveyedAt };
  expect(orphansOf(inputOf({ project: projectOf({ warn: false }) }))).toEqual(shown);
  expect(orphansOf(inputOf({ project: projectOf() }))).toBeUndefined();
  expect(orphansOf(inputOf({ orphans: undefined, agent: { agentVersion: '1', orphans: {} } }))).toEqual({
    total: 0,
    items: [],
  });
});

describe('the age of what was found', () => {
  const earlier = '2025-12-31T00:00:00.000Z';
  const later = '2026-01-02T00:00:00.000Z';
  it.each<[string, World, string | undefined]>([
    ['is that of the last survey', { orphans: { ...found, surveyedAt: earlier } }, surveyedAt],
    [
      'is its own where no survey is told of',
      { orphans: { ...found, surveyedAt: earlier }, agent: undefined },
      earlier,
    ],
    ['is its own where that is newer news', { orphans: { ...found, surveyedAt: later } }, later],
    ['is that of the survey for reports of older agents', {}, surveyedAt],
    ['is none before this Application was looked for', { orphans: undefined }, undefined],
  ])('%s', (_name, world, expected) => {
    expect(orphansOf(inputOf(world))?.surveyedAt).toBe(expected);
  });
});

describe('what is reported with another Application', () => {
  const pointing = { orphans: { total: 3, items: [], itemsOf: 'argocd/carrier' } };

  it('is shown as if it were its own', () => {
    const asked: string[] = [];
    const reportedWith = (app: string) => {
      asked.push(app);
      return found;
    };
    expect(orphansOf({ ...inputOf(pointing), reportedWith })).toEqual({ total: 3, items: [item], surveyedAt });
    expect(asked).toEqual(['argocd/carrier']);
  });

  it('is said to be missing as long as it is, which is no condition', () => {
    const input = { ...inputOf(pointing), reportedWith: () => undefined };
    expect(orphansOf(input)).toEqual({
      total: 3,
      items: [],
      surveyedAt,
      problem: 'their names are reported with argocd/carrier, and are not here yet',
    });
    expect(orphanConditions(input).map(({ type }) => type)).toEqual(['OrphanedResourceWarning']);
  });

  it.each<[string, { project?: string; namespace?: string; cluster?: string }, boolean]>([
    ['one like it', {}, true],
    ['one of another project', { project: 'theirs' }, false],
    ['one in another namespace', { namespace: 'cart' }, false],
    ['one on another cluster', { cluster: 'west' }, false],
  ])('is taken of %s: %j', (_name, { project = 'default', namespace = 'shop', cluster = 'east' }, isTaken) => {
    const application = applicationOf('carrier');
    Object.assign(application.spec, { project, destination: { ...application.spec.destination, namespace } });
    const carrier = indexedOf(application, { cluster });
    const deps = {
      applications: { find: (id: string) => (id === carrier.id ? carrier : undefined) },
      statuses: { find: () => ({ status: statusOf('carrier', { orphans: found }) }) as never },
    };
    const { indexed } = inputOf(pointing);
    expect(orphansWith(carrier.id, indexed, deps)).toEqual(isTaken ? found : undefined);
    expect(orphansWith('argocd/none', indexed, deps)).toBeUndefined();
    const onward = { total: 3, items: [], itemsOf: 'argocd/third' };
    const statuses = { find: () => ({ status: statusOf('carrier', { orphans: onward }) }) as never };
    expect(orphansWith(carrier.id, indexed, { ...deps, statuses })).toBeUndefined();
  });
});
