import { parseSelector } from '@wheelhouse/shared/kube/selector-text';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import { z } from 'zod';
import type { ApplicationFilter } from '../status/application-filter.ts';
import type { ObjectKey } from './deps.ts';
import { manyOf } from './schema.ts';

/** What `/applications` and `/stream/applications` have in common. `project` is Argo CD's older name of `projects`. */
export const filterQuery = z.strictObject({
  name: z.string().optional(),
  projects: manyOf(z.string()).optional(),
  project: manyOf(z.string()).optional(),
  selector: z.string().optional().describe('As kubectl -l: a=b,c in (d,e),!f'),
  repo: z.string().optional(),
  appNamespace: z.string().optional(),
  cluster: z.string().optional(),
  health: manyOf(z.enum(['Healthy', 'Suspended', 'Progressing', 'Missing', 'Degraded', 'Unknown'])).optional(),
  sync: manyOf(z.enum(['Synced', 'OutOfSync', 'Unknown'])).optional(),
  fields: z.string().optional().describe('Fields to answer, as items.metadata.name; a leading - means all others'),
});

/** The path and query that name one Application. */
export const applicationParams = z.strictObject({ name: z.string() });
export const applicationQuery = z.strictObject({
  appNamespace: z.string().optional(),
  project: z.string().optional().describe('Taken for compatibility; a name is unique in its namespace'),
});

export function keyOf(params: { name: string }, query: { appNamespace?: string | undefined }): ObjectKey {
  return { namespace: query.appNamespace || controlNamespace, name: params.name };
}

/** Empty values filter nothing, as grpc-gateway treats them. */
export function toFilter(query: z.infer<typeof filterQuery>): ApplicationFilter {
  const filter = {
    name: query.name,
    namespace: query.appNamespace,
    projects: [...(query.projects ?? []), ...(query.project ?? [])].filter((project) => project !== ''),
    labels: parseSelector(query.selector ?? ''),
    repo: query.repo,
    cluster: query.cluster,
    health: query.health,
    sync: query.sync,
  };
  const given = Object.entries(filter).filter(([, value]) => value !== undefined && value.length > 0);
  return Object.fromEntries(given) as ApplicationFilter;
}
