import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiServer } from './api-server.ts';
import type { Applied } from './apply.ts';
import { createApiServer } from './server.ts';
import { authorization, createFakeDeps, type FakeDeps } from './testing/fake-deps.ts';

const count = 200;
const applicationOf = (name: string) =>
  `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: { name: ${name} }
spec: { project: default, source: { repoURL: https://git.example/apps, path: a }, destination: { name: east } }
`;
const many = (text: string) => Array.from({ length: count }, () => text);
const stream = (between: readonly string[]) =>
  [applicationOf('first'), ...between, applicationOf('last')].join('---\n');
const list = JSON.stringify({ kind: 'List', items: many('first').map((kind) => ({ kind })) });
let deps: FakeDeps;
let app: ApiServer;
/** How often the event loop came round between the Applications `first` and `last`. */
let turns: number;

beforeEach(async () => {
  deps = createFakeDeps();
  turns = 0;
  let next: NodeJS.Immediate | undefined;
  const turn = () => {
    turns += 1;
    next = setImmediate(turn);
  };
  const find = deps.specs.find.bind(deps.specs);
  deps.specs.find = (kind, namespace, name) => {
    if (name === 'first' && !next) next = setImmediate(turn);
    if (name === 'last') clearImmediate(next);
    return find(kind, namespace, name);
  };
  app = await createApiServer(deps);
  return async () => {
    clearImmediate(next);
    await app.close();
  };
});

async function dryRun(payload: string): Promise<Applied[]> {
  const headers = { authorization, 'content-type': 'application/yaml' };
  const reply = await app.inject({ method: 'POST', url: '/api/v1/fleet/apply?dryRun=true', headers, payload });
  return reply.json<{ results: Applied[] }>().results;
}

describe('many documents of one request', () => {
  it.each([
    ['that are malformed', stream(many('a: [\n'))],
    ['that are good', stream(many(applicationOf('one')))],
    ['in a List', stream([`${list}\n`])],
  ])('let others have their turn: %s', async (_name, text) => {
    expect(await dryRun(text)).toHaveLength(count + 2);
    expect(turns).toBeGreaterThanOrEqual(count);
  });

  it('are each answered with the line of the request that is wrong', async () => {
    const lines = (await dryRun(stream(many('a: 1\nb: "\n')))).slice(1, -1).map(({ line, error }) => ({
      begins: line,
      wrong: error?.details['line'],
    }));
    const [first] = lines;
    expect(first).toEqual({ begins: 5, wrong: 8 });
    expect(lines).toEqual(many('').map((_, index) => ({ begins: 5 + index * 3, wrong: 8 + index * 3 })));
  });
});
