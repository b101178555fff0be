import type { IndexedApplication } from '../assign/applications.ts';
import { type ApplicationFilter, matchesFilter } from './application-filter.ts';
import type { ApplicationView, Brief } from './view.ts';

export interface ApplicationPage {
  items: ApplicationView[];
  /** Matching the filter, on all pages. */
  total: number;
  /** Where the next page starts, whatever changes in between. */
  continue?: string;
}

export interface ListInput {
  filter: ApplicationFilter;
  page: { limit: number; continue?: string };
  find(id: string): IndexedApplication | undefined;
  brief(id: string): Brief | undefined;
  view(id: string): ApplicationView | undefined;
}

/** Goes through the sorted ids once; views, which cost most, are made for the page only. */
export function listPage(ids: readonly string[], input: ListInput): ApplicationPage {
  const { page } = input;
  const after = page.continue === undefined ? '' : Buffer.from(page.continue, 'base64url').toString();
  const wanted = isEmpty(input.filter) ? ids : ids.filter((id) => matches(id, input));
  const start = after === '' ? 0 : wanted.findIndex((id) => id > after);
  const rest = start < 0 ? [] : wanted.slice(start, start + page.limit + 1);
  const shown = rest.slice(0, page.limit);
  const items = shown.flatMap((id) => input.view(id) ?? []);
  const last = shown.at(-1);
  const more = rest.length > shown.length && last !== undefined;
  return { items, total: wanted.length, ...(more ? { continue: Buffer.from(last).toString('base64url') } : {}) };
}

function isEmpty(filter: ApplicationFilter): boolean {
  return Object.values(filter).every((value) => value === undefined);
}

/** Judged by its spec and its brief; an Application that is being withdrawn is judged by its view. */
function matches(id: string, input: ListInput): boolean {
  const indexed = input.find(id);
  if (!indexed) {
    const view = input.view(id);
    return view !== undefined && matchesFilter(view, input.filter);
  }
  const { health, sync, ...filter } = input.filter;
  const { application, cluster } = indexed;
  const bare = { application, stale: false, ...(cluster === undefined ? {} : { cluster }) };
  return matchesFilter(bare, filter) && (!(health || sync) || matchesBrief(input.brief(id), { health, sync }));
}

function matchesBrief(
  brief: Brief | undefined,
  filter: { [Key in 'health' | 'sync']: readonly string[] | undefined },
): boolean {
  if (!brief) return false;
  return (!filter.health || filter.health.includes(brief.health)) && (!filter.sync || filter.sync.includes(brief.sync));
}
