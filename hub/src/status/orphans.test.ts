import type { OrphanReport } from '@wheelhouse/shared/protocol/orphans';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { describe, expect, it } from 'vitest';
import { applicationOf, indexedOf, statusOf } from '../testing/hub-state.ts';
import { type OrphansAgent, orphanConditions, orphansOf } from './orphans.ts';

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
