import type { ApplicationFilter } from '../status/application-filter.ts';
import type { ApplicationView, ReadModel } from './deps.ts';

/** Large, because the read model goes through all its rows for a page. */
const rowsPerPage = 5_000;
/** Small, because the rows of a chunk are made into JSON without a pause. */
const rowsPerChunk = 200;

/** Every Application that matches, in chunks that are cheap to answer one after the other. */
export function* walkApplications(model: ReadModel, filter: ApplicationFilter): Generator<ApplicationView[]> {
  let start: string | undefined;
  do {
    const page = model.list(filter, { limit: rowsPerPage, ...(start === undefined ? {} : { continue: start }) });
    for (let at = 0; at < page.items.length; at += rowsPerChunk) yield page.items.slice(at, at + rowsPerChunk);
    start = page.continue;
  } while (start !== undefined);
}
