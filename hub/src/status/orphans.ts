import type { OrphanedResource } from '@wheelhouse/shared/protocol/orphans';
import type { AppStatus, Heartbeat } from '@wheelhouse/shared/protocol/status';
import type { IndexedApplication } from '../assign/applications.ts';
import { warnsOfOrphans } from '../project/orphans.ts';

/** What the namespace of an Application holds that belongs to none, as its cluster looked for it. */
export interface OrphansView {
  total: number;
  /** The first of them. */
  items: OrphanedResource[];
  /** RFC 3339; undefined until the cluster has looked once. */
  surveyedAt?: string;
  /** Why there may be others, or why nothing is known. */
  problem?: string;
}

/** What an agent says of itself; undefined for one that was never heard of. */
export type OrphansAgent = Pick<Heartbeat, 'orphans' | 'agentVersion'> | undefined;

interface Input {
  indexed: Pick<IndexedApplication, 'project' | 'cluster' | 'application'>;
  status: AppStatus | undefined;
  agent?: OrphansAgent;
}

/** Undefined where nothing is asked: its project says nothing of orphaned resources, or it has no namespace on a cluster. */
export function orphansOf(input: Input): OrphansView | undefined {
  const { indexed, status, agent } = input;
  if (!isAsked(indexed)) return undefined;
  const found = status?.orphans ?? { total: 0, items: [] };
  const { surveyedAt } = agent?.orphans ?? {};
  const problem = found.problem ?? whyUnknown(input);
  const { total, items } = found;
  return { total, items, ...(surveyedAt ? { surveyedAt } : {}), ...(problem ? { problem } : {}) };
}

function isAsked({ project, cluster, application }: Input['indexed']): boolean {
  if (cluster === undefined || !application.spec.destination.namespace) return false;
  return project?.spec.orphanedResources !== undefined;
}

function whyUnknown({ indexed: { cluster }, agent }: Input): string | undefined {
  if (agent && !agent.orphans)
    return `agent ${agent.agentVersion} of cluster ${cluster} does not know how to look for orphaned resources: upgrade it`;
  return agent?.orphans?.problem;
}

/** Argo CD's warning; and that they are not known, which it has no word for. */
export function orphanConditions(input: Input): { type: string; message: string }[] {
  const orphans = orphansOf(input);
  const { project } = input.indexed;
  if (!orphans || !project) return [];
  const { total, problem } = orphans;
  const warning = { type: 'OrphanedResourceWarning', message: `Application has ${total} orphaned resources` };
  return [
    ...(total > 0 && warnsOfOrphans(project) ? [warning] : []),
    ...(problem ? [{ type: 'OrphanedResourcesUnknown', message: problem }] : []),
  ];
}
