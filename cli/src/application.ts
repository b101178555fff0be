import type { ApplicationAnswer } from '@wheelhouse/hub/api/application-view';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import type { Client } from './client.ts';
import { formatAge } from './output.ts';

export type { ApplicationAnswer } from '@wheelhouse/hub/api/application-view';

/** Where one Application's endpoints are, and the query that names its namespace. */
export interface ApplicationAddress {
  path: string;
  query: { appNamespace?: string };
}

/** Reads `NAME` or `NAMESPACE/NAME`. */
export function parseName(text: string): { namespace: string; name: string } {
  const [first = '', second, ...rest] = text.split('/');
  if (first === '' || second === '' || rest.length > 0)
    throw new FleetError('Invalid', `"${text}" is not a name; write NAME or NAMESPACE/NAME`);
  return second === undefined ? { namespace: controlNamespace, name: first } : { namespace: first, name: second };
}

export function addressOf(text: string): ApplicationAddress {
  const { namespace, name } = parseName(text);
  return { path: `/api/v1/applications/${encodeURIComponent(name)}`, query: { appNamespace: namespace } };
}

/** The name as people write it: with its namespace only where that is not the usual one. */
export function formatName({ namespace = controlNamespace, name = '' }: { namespace?: string; name?: string }): string {
  return namespace === controlNamespace ? name : `${namespace}/${name}`;
}

export function healthOf(app: ApplicationAnswer): string {
  return app.status?.health?.status ?? 'Unknown';
}

export function syncOf(app: ApplicationAnswer): string {
  return app.status?.sync?.status ?? 'Unknown';
}

/** `Healthy`, or for what is old news `Healthy as of 14m ago`. */
export function formatHealth(app: ApplicationAnswer): string {
  const { stale, ageMs } = app.fleet;
  return stale && ageMs !== undefined ? `${healthOf(app)} as of ${formatAge(ageMs)} ago` : healthOf(app);
}

/** `3, looked for 2m ago`. */
export function formatOrphans({ total, surveyedAt }: NonNullable<ApplicationAnswer['fleet']['orphans']>): string {
  if (surveyedAt === undefined) return total === 0 ? 'not looked for yet' : `${total}, being looked for again`;
  return `${total}, looked for ${formatAge(Math.max(0, Date.now() - Date.parse(surveyedAt)))} ago`;
}

interface ApplicationList {
  metadata: { continue?: string; resourceVersion: string };
  items: ApplicationAnswer[];
}

const pageSize = 5_000;

/** All Applications that match, page by page. `resourceVersion` is that of the first page. */
export async function listApplications(
  client: Client,
  query: Record<string, string | readonly string[] | undefined>,
): Promise<{ items: ApplicationAnswer[]; resourceVersion: string }> {
  const items: ApplicationAnswer[] = [];
  let resourceVersion: string | undefined;
  let start: string | undefined;
  do {
    const page: ApplicationList = await client.request('/api/v1/applications', {
      query: { ...query, limit: pageSize, continue: start },
    });
    items.push(...page.items);
    resourceVersion ??= page.metadata.resourceVersion;
    start = page.metadata.continue;
  } while (start !== undefined);
  return { items, resourceVersion: resourceVersion ?? '' };
}
