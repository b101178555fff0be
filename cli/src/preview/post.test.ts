import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { marker } from './format-markdown.ts';
import { type Post, postPreview } from './post.ts';

interface Call {
  call: string;
  login: string;
  body: Record<string, unknown> | undefined;
}

let calls: Call[];
let answers: Record<string, { status: number; body: unknown }>;
let apiUrl: string;

beforeEach(async () => {
  calls = [];
  answers = {};
  const server = createServer((request, response) => {
    void record(request).then((call) => {
      const { status, body } = answers[call] ?? { status: 200, body: [] };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
  return () => void server.close();
});

async function record(request: IncomingMessage): Promise<string> {
  const body = await text(request);
  const call = `${request.method} ${request.url?.split('?')[0]}`;
  const login = String(request.headers.authorization ?? request.headers['private-token']);
  calls.push({ call, login, body: body === '' ? undefined : (JSON.parse(body) as Record<string, unknown>) });
  return call;
}

function post(given: Partial<Post> = {}): Promise<void> {
  const whole: Post = {
    host: 'github',
    apiUrl,
    repository: 'acme/shop',
    change: 7,
    token: 't0ken',
    sha: 'abc',
    markdown: `${marker}\nnew`,
    blocked: false,
    summary: '1 changed',
    ...given,
  };
  return postPreview(whole, new AbortController().signal);
}

describe('a preview is written to', () => {
  it('a pull request on GitHub, as a comment and a status', async () => {
    await post();
    expect(calls.map(({ call }) => call)).toEqual([
      'GET /api/repos/acme/shop/issues/7/comments',
      'POST /api/repos/acme/shop/issues/7/comments',
      'POST /api/repos/acme/shop/statuses/abc',
    ]);
    expect(calls[2]).toMatchObject({
      login: 'Bearer t0ken',
      body: { state: 'success', context: 'wheelhouse/preview' },
    });
  });

  it('the comment of an earlier run, whoever else commented', async () => {
    const comments = [
      { id: 1, body: 'nice' },
      { id: 2, body: `${marker}\nold` },
    ];
    answers['GET /api/repos/acme/shop/issues/7/comments'] = { status: 200, body: comments };
    await post({ blocked: true });
    expect(calls.slice(1)).toMatchObject([
      { call: 'PATCH /api/repos/acme/shop/issues/comments/2', body: { body: `${marker}\nnew` } },
      { body: { state: 'failure' } },
    ]);
  });

  it('a merge request on GitLab', async () => {
    answers['GET /api/projects/acme%2Fshop/merge_requests/7/notes'] = { status: 200, body: [{ id: 3, body: marker }] };
    await post({ host: 'gitlab', blocked: true });
    expect(calls.slice(1)).toMatchObject([
      { call: 'PUT /api/projects/acme%2Fshop/merge_requests/7/notes/3', login: 't0ken' },
      { call: 'POST /api/projects/acme%2Fshop/statuses/abc', body: { state: 'failed', name: 'wheelhouse/preview' } },
    ]);
  });
});

it('says what the host answered, and never the token', async () => {
  answers['GET /api/repos/acme/shop/issues/7/comments'] = { status: 403, body: { message: 'no' } };
  const failure = await post().catch((error: unknown) => String(error));
  expect(failure).toMatch(/GET .*comments.* answered 403: \{"message":"no"\}; may the token do that\?/);
  expect(failure).not.toContain('t0ken');
});
