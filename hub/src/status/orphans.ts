import type { OrphanedResource, OrphanReport } from '@wheelhouse/shared/protocol/orphans';
import type { AppStatus, Heartbeat } from '@wheelhouse/shared/protocol/status';
import { projectNameOf } from '@wheelhouse/shared/resources/defaults';
import type { Applications, IndexedApplication } from '../assign/applications.ts';
import { warnsOfOrphans } from '../project/orphans.ts';
import type { Statuses } from './statuses.ts';

/** What the namespace of an Application holds that belongs to none, as its cluster looked for it. */
export interface OrphansView {
  total: number;
  /** The first of them. */
  items: OrphanedResource[];
  /** RFC 3339: when its cluster looked last; undefined until it has looked once for this Application. */
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
  /** What is reported with another Application, if that is of the same project, cluster and namespace. */
  reportedWith?: ((app: string) => OrphanReport | undefined) | undefined;
}

const nothing: OrphanReport = { total: 0, items: [] };

/** Undefined where nothing is asked: its project says nothing of orphaned resources, or it has no namespace on a cluster. */
export function orphansOf(input: Input): OrphansView | undefined {
  if (!isAsked(input.indexed)) return undefined;
  const found = input.status?.orphans ?? nothing;
  const surveyedAt = lastSurvey(input);
  const { items, missing } = itemsOf(found, input);
  const problem = problemOf(input) ?? missing;
  return { total: found.total, items, ...(surveyedAt ? { surveyedAt } : {}), ...(problem ? { problem } : {}) };
}

function itemsOf(
  { items, itemsOf: carrier }: OrphanReport,
  { reportedWith }: Input,
): { items: OrphanedResource[]; missing?: string } {
  if (carrier === undefined) return { items };
  const report = reportedWith?.(carrier);
  if (report) return { items: report.items };
  return { items: [], missing: `their names are reported with ${carrier}, and are not here yet` };
}

/** The heartbeat's word counts for what was looked for: of an Application that is new, nothing is known before the next survey. */
function lastSurvey({ status, agent }: Input): string | undefined {
  if (!status?.orphans) return undefined;
  const { surveyedAt = '' } = status.orphans;
  const last = agent?.orphans?.surveyedAt ?? '';
  return (last > surveyedAt ? last : surveyedAt) || undefined;
}

function problemOf(input: Input): string | undefined {
  return input.status?.orphans?.problem ?? whyUnknown(input);
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
  const { total } = orphans;
  const problem = problemOf(input);
  const warning = { type: 'OrphanedResourceWarning', message: `Application has ${total} orphaned resources` };
  return [
    ...(total > 0 && warnsOfOrphans(project) ? [warning] : []),
    ...(problem ? [{ type: 'OrphanedResourcesUnknown', message: problem }] : []),
  ];
}

/** The report of another Application, if it is about the same: of any other one, a project might learn what is not its own. */
export function orphansWith(
  app: string,
  { cluster, application: { spec } }: Input['indexed'],
  deps: { applications: Pick<Applications, 'find'>; statuses: Pick<Statuses, 'find'> },
): OrphanReport | undefined {
  const other = deps.applications.find(app);
  if (!other || cluster === undefined || other.cluster !== cluster) return undefined;
  const { destination } = other.application.spec;
  if (projectNameOf(other.application.spec) !== projectNameOf(spec)) return undefined;
  if (destination.namespace !== spec.destination.namespace) return undefined;
  const report = deps.statuses.find(cluster, app)?.status.orphans;
  return report?.itemsOf === undefined ? report : undefined;
}
