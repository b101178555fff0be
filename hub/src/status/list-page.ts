import { type ApplicationFilter, matchesFilter } from '../api/application-filter.ts';
import type { IndexedApplication } from '../assign/applications.ts';
import type { ApplicationView } from './view.ts';

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
  view(id: string): ApplicationView | undefined;
  find(id: string): IndexedApplication | undefined;
}

/** Goes through the sorted ids once. Views cost most, so they are made for the page only, unless the filter needs them. */
export function listPage(ids: readonly string[], input: ListInput): ApplicationPage {
  const { page } = input;
  const after = page.continue === undefined ? '' : Buffer.from(page.continue, 'base64url').toString();
  const matching = ids.filter((id) => matchesSpec(id, input));
  const needsView = input.filter.health !== undefined || input.filter.sync !== undefined;
  const wanted = needsView ? matching.filter((id) => matchesView(id, input)) : matching;
  const rest = after === '' ? wanted : wanted.slice(wanted.findIndex((id) => id > after) >>> 0);
  const shown = rest.slice(0, page.limit);
  const items = shown.flatMap((id) => input.view(id) ?? []);
  const last = shown.at(-1);
  return {
    items,
    total: wanted.length,
    ...(last !== undefined && rest.length > shown.length ? { continue: Buffer.from(last).toString('base64url') } : {}),
  };
}

/** Judged without its status; an Application that is being withdrawn is judged by its view. */
function matchesSpec(id: string, input: ListInput): boolean {
  const indexed = input.find(id);
  if (!indexed) return matchesView(id, input);
  const { health: _health, sync: _sync, ...filter } = input.filter;
  return matchesFilter(
    {
      application: indexed.application,
      stale: false,
      ...(indexed.cluster === undefined ? {} : { cluster: indexed.cluster }),
    },
    filter,
  );
}

function matchesView(id: string, input: ListInput): boolean {
  const view = input.view(id);
  return view !== undefined && matchesFilter(view, input.filter);
}
