/**
 * Puts a preview where a change is reviewed: as one comment, replaced by each later run, and as the status of the commit.
 * Inputs: the code host's API and a token of the caller's; the hub is given neither.
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { request } from 'undici';
import { marker } from './format-markdown.ts';

export interface Post {
  host: 'github' | 'gitlab';
  /** `https://api.github.com`, `https://gitlab.com/api/v4` unless given. */
  apiUrl?: string | undefined;
  /** `owner/name`, or GitLab's path of the project. */
  repository: string;
  /** Number of the pull or merge request. */
  change: number;
  token: string;
  sha: string;
  markdown: string;
  /** Of the status. */
  blocked: boolean;
  summary: string;
}

const context = 'wheelhouse/preview';
const timeoutMs = 30_000;

interface Comment {
  id: number;
  body?: string | null;
}

interface Api {
  get<T>(path: string): Promise<T>;
  send(method: 'POST' | 'PATCH' | 'PUT', path: string, body: object): Promise<void>;
}

/** Throws what the host answered, without the token. */
export async function postPreview(post: Post, signal: AbortSignal): Promise<void> {
  await (post.host === 'github' ? postToGithub : postToGitlab)(post, createApi(post, signal));
}

async function postToGithub(post: Post, api: Api): Promise<void> {
  const repository = `/repos/${post.repository}`;
  const found = await findComment(api, `${repository}/issues/${post.change}/comments`);
  if (found) await api.send('PATCH', `${repository}/issues/comments/${found.id}`, { body: post.markdown });
  else await api.send('POST', `${repository}/issues/${post.change}/comments`, { body: post.markdown });
  const state = post.blocked ? 'failure' : 'success';
  await api.send('POST', `${repository}/statuses/${post.sha}`, {
    state,
    context,
    description: post.summary.slice(0, 140),
  });
}

async function postToGitlab(post: Post, api: Api): Promise<void> {
  const project = `/projects/${encodeURIComponent(post.repository)}`;
  const notes = `${project}/merge_requests/${post.change}/notes`;
  const found = await findComment(api, notes);
  if (found) await api.send('PUT', `${notes}/${found.id}`, { body: post.markdown });
  else await api.send('POST', notes, { body: post.markdown });
  const state = post.blocked ? 'failed' : 'success';
  await api.send('POST', `${project}/statuses/${post.sha}`, {
    state,
    name: context,
    description: post.summary.slice(0, 255),
  });
}

/** At most this many pages of a hundred are searched for the comment of an earlier run. */
const maxPages = 10;

async function findComment(api: Api, path: string): Promise<Comment | undefined> {
  for (let page = 1; page <= maxPages; page += 1) {
    const comments = await api.get<Comment[]>(`${path}?per_page=100&page=${page}`);
    const found = comments.find(({ body }) => body?.includes(marker));
    if (found || comments.length < 100) return found;
  }
  return undefined;
}

const apiUrls = { github: 'https://api.github.com', gitlab: 'https://gitlab.com/api/v4' };

function createApi({ host, apiUrl = apiUrls[host], token }: Post, signal: AbortSignal): Api {
  const login = host === 'github' ? { authorization: `Bearer ${token}` } : { 'private-token': token };
  const call = async (method: 'GET' | 'POST' | 'PATCH' | 'PUT', path: string, body?: object) => {
    const url = apiUrl.replace(/\/$/, '') + path;
    const answer = await request(url, {
      method,
      headers: { ...login, 'user-agent': 'wheelhouse', 'content-type': 'application/json' },
      body: body ? JSON.stringify(body) : null,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    }).catch((cause: unknown) => {
      throw new FleetError('TransportUnavailable', `cannot reach ${new URL(url).origin}`, { cause });
    });
    const text = await answer.body.text();
    if (answer.statusCode < 300) return text;
    const code = [401, 403, 404].includes(answer.statusCode) ? 'Forbidden' : 'Invalid';
    const what = `${method} ${path} of ${new URL(url).origin}`;
    throw new FleetError(code, `${what} answered ${answer.statusCode}: ${text.slice(0, 300)}; may the token do that?`);
  };
  return {
    get: async <T>(path: string) => JSON.parse(await call('GET', path)) as T,
    send: async (method, path, body) => void (await call(method, path, body)),
  };
}
