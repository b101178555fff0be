import { createFakeDeps } from '@wheelhouse/hub/api/testing/fake-deps';
import { beforeEach, expect, it } from 'vitest';
import { type Served, serve } from '../testing/served.ts';

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

let cli: Served;

beforeEach(async () => {
  const deps = createFakeDeps();
  deps.applicationSetStatus = () => ({
    conditions: [
      { type: 'ErrorOccurred', status: 'True', message: 'repository cannot be reached' },
      { type: 'DeletionProgressing', status: 'True', message },
    ],
  });
  cli = await serve(deps);
  await cli.run(['apply', '-f', '-'], set);
  return async () => await cli[Symbol.asyncDispose]();
});

const run = async (...args: string[]) => await cli.run(args);

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
