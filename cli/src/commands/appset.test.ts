import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiServer } from '@wheelhouse/hub/api/api-server';
import { createApiServer } from '@wheelhouse/hub/api/server';
import { adminToken, createFakeDeps, type FakeDeps } from '@wheelhouse/hub/api/testing/fake-deps';
import { beforeEach, expect, it } from 'vitest';
import { runCli } from '../program.ts';

const set = `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: fleet}
spec:
  generators: [{clusters: {}}]
  strategy:
    type: RollingSync
    deletionOrder: Reverse
    rollingSync: {steps: [{matchExpressions: [{key: tier, operator: In, values: [one]}]}]}
  template: {metadata: {name: a}, spec: {project: default, destination: {}, source: {repoURL: x}}}
`;
const message = 'deleted by admin, step 1 of 1, the last one first';

let deps: FakeDeps;
let server: ApiServer;
let cwd: string;

beforeEach(async () => {
  deps = createFakeDeps();
  deps.applicationSetStatus = () => ({
    conditions: [
      { type: 'ErrorOccurred', status: 'True', message: 'repository cannot be reached' },
      { type: 'DeletionProgressing', status: 'True', message },
    ],
  });
  server = await createApiServer(deps);
  await server.listen({ host: '127.0.0.1', port: 0 });
  cwd = await mkdtemp(join(tmpdir(), 'wheelhouse-cli-'));
  await run('apply', '-f', '-');
  return async () => {
    await server.close();
    await rm(cwd, { recursive: true });
  };
});

async function run(...args: string[]) {
  let out = '';
  let err = '';
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  const code = await runCli([...args, '--server', url, '--token', adminToken], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    ask: async () => undefined,
    readInput: async () => set,
    env: { HOME: cwd },
    cwd,
    signal: new AbortController().signal,
  });
  return { code, out, err };
}

it('a set that is deleted step by step is said to be on its way, and for what it waits', async () => {
  expect(await run('appset', 'delete', 'fleet')).toEqual({
    code: 0,
    out: `applicationset fleet is being deleted: DeletionProgressing: ${message}\n`,
    err: '',
  });
  expect((await run('appset', 'get', 'fleet')).out).toMatch(new RegExp(`State: +DeletionProgressing: ${message}`));
});

it('for scripts it is of another outcome than one that is gone', async () => {
  const outcomes = [];
  for (const args of [[], ['--all-at-once']])
    outcomes.push(JSON.parse((await run('appset', 'delete', 'fleet', ...args, '-o', 'json')).out));
  expect(outcomes).toEqual([[{ name: 'fleet', outcome: 'deleting' }], [{ name: 'fleet', outcome: 'deleted' }]]);
});

it('all at once is deleted', async () => {
  await run('appset', 'delete', 'fleet');
  expect((await run('appset', 'delete', 'fleet', '--all-at-once')).out).toBe('applicationset fleet deleted\n');
});
