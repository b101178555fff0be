/** A fleet in memory for tests of plans: clusters with labels, and ApplicationSets that select `role: active`. */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { FailoverHook } from '@wheelhouse/shared/resources/failover-hook';
import { parseResource } from '@wheelhouse/shared/resources/parse';
import { nextAppLabels } from '../../fleet/app-labels.ts';
import type { FleetCluster } from '../../fleet/clusters.ts';
import { createMemoryTable } from '../../fleet/testing/memory-records.ts';
import { defaultProject } from '../../project/project.ts';
import { storedOf } from '../../testing/hub-state.ts';
import type { Claims } from '../claims.ts';
import type { FailoverDeps } from '../failover.ts';
import type { Plan } from '../plan-record.ts';

export interface PlannedFleet {
  deps: FailoverDeps;
  clusters: Map<string, FleetCluster>;
  /** Annotations of the sets' template. */
  annotations: Record<string, string>;
  /** Annotations of the project of what goes to a cluster; absent: no project. */
  projects: Map<string, Record<string, string>>;
  audited: string[];
  hooks: FailoverHook[];
  /** Moves the time on. */
  pass(ms: number): void;
}

const startedAt = Date.parse('2026-01-01T00:00:00Z');

export function createPlannedFleet(
  names: readonly string[] = ['eu-1', 'us-1'],
  sets: readonly string[] = ['shop'],
): PlannedFleet {
  let time = startedAt;
  const clusters = new Map(names.map((name) => [name, clusterOf(name)]));
  const annotations: Record<string, string> = {};
  const projects = new Map<string, Record<string, string>>();
  const audited: string[] = [];
  const hooks: FailoverHook[] = [];
  const deps: FailoverDeps = {
    specs: {
      list: (kind) =>
        kind === 'ApplicationSet' ? sets.map((name) => storedOf(applicationSet(name, annotations))) : [],
    },
    derived: { evaluation: () => undefined },
    clusters: () => [...clusters.values()],
    snapshot: () => {
      throw new FleetError('NotFound', 'there is no Git here');
    },
    ownerOf: () => undefined,
    outside: () => undefined,
    newGitFileGlobbing: false,
    findCluster: (name) => clusters.get(name),
    clusterOf: ({ spec: { destination } }) => destination.name,
    project: () => undefined,
    projectOf: ({ spec: { destination } }) => projectOf(projects.get(destination.name ?? '')),
    plainOn: () => [],
    bundleOf: () => undefined,
    needs: async () => undefined,
    hooks: () => hooks,
    applications: { find: () => undefined },
    statuses: { find: () => undefined },
    additions: { withdrawals: () => [] },
    resolve: () => ({ problems: [], warnings: [] }),
    plans: createMemoryTable<Plan>(),
    claims: createMemoryTable<Claims>(),
    setLabels: async (name, labels) => {
      const cluster = clusters.get(name);
      if (cluster) Object.assign(cluster.labels, labels);
    },
    setAnnotations: async (name, annotations) => {
      const cluster = clusters.get(name);
      if (cluster) Object.assign(cluster.annotations, annotations);
    },
    setAppLabels: async (name, change, who) => {
      const cluster = clusters.get(name);
      if (cluster) cluster.appLabels = nextAppLabels(cluster, change, { ...who, at: new Date(time).toISOString() });
    },
    audit: ({ action, object }) => void audited.push(`${action} ${object}`),
    now: () => new Date(time),
  };
  return { deps, clusters, annotations, projects, audited, hooks, pass: (ms) => void (time += ms) };
}

function clusterOf(name: string): FleetCluster {
  const region = name.slice(0, 2);
  const labels = { region, role: region === 'eu' ? 'active' : 'standby' };
  const server = `https://${name}`;
  return { name, server, state: 'Connected', labels, annotations: {} };
}

function projectOf(annotations: Record<string, string> | undefined): AppProject | undefined {
  return annotations && { ...defaultProject, metadata: { ...defaultProject.metadata, annotations } };
}

function applicationSet(name: string, annotations: Record<string, string>) {
  const template = {
    metadata: { name: `${name}-{{name}}`, annotations },
    spec: {
      project: 'default',
      source: { repoURL: 'https://git.example.com/shop.git', path: name, targetRevision: 'main' },
      destination: { name: '{{name}}', namespace: 'shop' },
    },
  };
  const generators = [{ clusters: { selector: { matchLabels: { role: 'active' } } } }];
  return parseResource(
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'ApplicationSet',
      metadata: { name, namespace: 'argocd' },
      spec: { generators, template },
    },
    { unknownFields: 'refuse' },
  ).resource;
}
