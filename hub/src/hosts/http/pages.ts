import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { z } from 'zod';
import type { HostClient, HostRequest } from './http.ts';

/** More pages than any host has; a loop of next links ends here. */
const maxPages = 1_000;

/** RFC 8288: the target of `rel="next"`. */
export function nextLink(header: string | undefined): string | undefined {
  for (const part of (header ?? '').split(/,\s*(?=<)/)) {
    const [, target, parameters] = /^\s*<([^>]*)>(.*)$/.exec(part) ?? [];
    if (target !== undefined && /;\s*rel="?next"?/.test(parameters ?? '')) return target;
  }
  return undefined;
}

/** Every item of a list whose pages are chained by the header Link: GitHub, GitLab, Gitea. All of them, or an error. */
export async function linkedPages<T>(
  client: HostClient,
  path: string,
  { item, ...request }: HostRequest & { item: z.ZodType<T> },
): Promise<T[]> {
  const items: T[] = [];
  let next: string | undefined = path;
  for (let page = 0; next !== undefined; page += 1) {
    refuseEndless(page, path);
    const answer = await client.ask(next, page === 0 ? request : {});
    items.push(...checkPage(z.array(item), answer.body, path));
    next = answer.next;
  }
  return items;
}

/** Every item of a list whose pages name the next one in their body: both Bitbuckets. */
export async function bodyPages<T>(
  client: HostClient,
  path: string,
  options: {
    item: z.ZodType<T>;
    query?: Record<string, string | number | boolean | undefined>;
    /** From a page to what to ask next: another path, or other query parameters; undefined at the end. */
    next(page: Record<string, unknown>): { path?: string; query?: HostRequest['query'] } | undefined;
  },
): Promise<T[]> {
  const items: T[] = [];
  const page = z.looseObject({ values: z.array(options.item) });
  let at: { path?: string; query?: HostRequest['query'] } | undefined = { path, query: options.query };
  for (let count = 0; at !== undefined; count += 1) {
    refuseEndless(count, path);
    const query = at.path === undefined || count === 0 ? { ...options.query, ...at.query } : {};
    const { body } = await client.ask(at.path ?? path, { query });
    const { values, ...rest } = checkPage(page, body, path);
    items.push(...values);
    at = options.next(rest);
  }
  return items;
}

function checkPage<T>(schema: z.ZodType<T>, body: unknown, path: string): T {
  const { data, error } = schema.safeParse(body);
  if (error === undefined) return data;
  const [issue] = error.issues;
  throw new FleetError(
    'GeneratorFailed',
    `the host answers ${path} with something else than its API says (${issue?.path.join('.')}: ${issue?.message}); is api right?`,
  );
}

/** Throws TooLarge. `page` counts from 0. */
export function refuseEndless(page: number, path: string): void {
  if (page >= maxPages)
    throw new FleetError('TooLarge', `the list at ${path} has more than ${maxPages} pages; narrow it`);
}
