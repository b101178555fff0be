import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { AssignedOperation } from '@wheelhouse/shared/protocol/document';
import type { OperationState } from '@wheelhouse/shared/protocol/status';
import { Agent } from 'undici';
import { beforeEach, describe, expect, it } from 'vitest';
import type { IndexedApplication } from '../../assign/applications.ts';
import { applicationOf, indexedOf, statusOf, storedOf } from '../../testing/hub-state.ts';
import { hookOf, planOf } from '../testing/plan.ts';
import type { HookCall, PlannedHook } from './planned-hook.ts';
import { type RunHookDeps, runHook } from './run-hook.ts';

const plan = planOf();
const signal = new AbortController().signal;
const start = Date.parse('2026-01-01T00:00:00Z');

let now: number;
let app: IndexedApplication;
let operations: AssignedOperation[];
let operation: OperationState | undefined;
let secret: KubeObject | undefined;
let deps: RunHookDeps;

beforeEach(() => {
  now = start;
  app = indexedOf(applicationOf('dns-us', { cluster: 'us-1' }));
  operations = [];
  operation = undefined;
  secret = undefined;
  deps = {
    specs: { find: () => secret && storedOf(secret) },
    http: { dispatcher: new Agent(), origins: new Set() },
    nats: { call: async ({ subject }) => ({ state: 'succeeded', message: subject }) },
    applications: { find: () => app },
    statuses: {
      find: (cluster, id) => operation && { cluster, status: statusOf(id, { operation }), receivedAt: start },
    },
    additions: {
      operations: () => operations,
      addOperation: async (one) => void operations.push(one),
    },
    now: () => new Date(now),
  };
});

function attemptOf(call: HookCall, attempt = 1): PlannedHook {
  const startedAt = new Date(start).toISOString();
  return hookOf({ when: 'after', step: 'Arriving', call, timeoutMs: 60_000, attempt, startedAt });
}

function operationOf(fields: Partial<OperationState>): OperationState {
  const startedAt = new Date(start).toISOString();
  return { phase: 'Succeeded', message: '', revision: 'c0ffee', startedAt, retryCount: 0, ...fields };
}

function secretOf(labels: Record<string, string>, data: Record<string, string>): KubeObject {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'dns', namespace: 'argocd', labels }, data };
}

describe('a job', () => {
  const job = attemptOf({ type: 'job', application: { namespace: 'argocd', name: 'dns-us' } });
  const look = async (attempt = job) => await runHook(plan, attempt, { deps, signal });

  it('is asked for once an attempt, however often it is looked at', async () => {
    for (let turn = 0; turn < 3; turn += 1) expect(await look()).toEqual({ state: 'running' });
    expect(operations).toMatchObject([
      { app: 'dns-us', type: 'sync', sync: { runJobs: true }, expiresAt: '2026-01-01T00:01:00.000Z' },
    ]);
    await look({ ...job, attempt: 2 });
    expect(new Set(operations.map(({ id }) => id)).size).toBe(2);
    operation = operationOf({ id: operations[0]?.id ?? '', phase: 'Running' });
    operations = [];
    expect(await look()).toEqual({ state: 'running' });
    expect(operations).toEqual([]);
  });

  it.each<[string, OperationState['phase'], object]>([
    ['its sync', 'Succeeded', { state: 'succeeded', message: 'sync of dns-us on us-1 is done' }],
    ['one that failed', 'Failed', { state: 'failed', message: 'sync of dns-us on us-1 Failed: job dns failed' }],
  ])('ends with %s', async (...[_what, phase, outcome]) => {
    await look();
    operation = operationOf({ id: operations[0]?.id ?? '', phase, message: 'job dns failed', finishedAt: 'now' });
    expect(await look()).toEqual(outcome);
  });

  it('does not take the outcome of another sync for its own', async () => {
    await look();
    operation = operationOf({ id: 'of somebody', finishedAt: 'now' });
    expect(await look()).toEqual({ state: 'running' });
  });

  it('fails when it does not end in time, and where it cannot run', async () => {
    await look();
    now += 60_000;
    expect(await look()).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('did not end within 60 s'),
    });
    app = indexedOf(applicationOf('dns-us', { spec: { destination: {} } }));
    expect(await look()).toMatchObject({ state: 'failed', message: expect.stringContaining('no Application dns-us') });
  });
});

describe('an HTTP call', () => {
  const named = { namespace: 'argocd', name: 'dns', key: 'key' };
  const http = attemptOf({ type: 'http', url: 'https://dns.example.com', secret: named });
  const labels = { 'wheelhouse.dev/secret-type': 'failover-hook' };
  const key = Buffer.from('hush').toString('base64');

  it.each<[string, KubeObject | undefined, RegExp]>([
    ['no Secret', undefined, /there is no Secret argocd\/dns labelled/],
    ['a Secret that is for something else', secretOf({}, { key }), /there is no Secret argocd\/dns labelled/],
    ['a Secret without the entry', secretOf(labels, {}), /has no entry key/],
    ['a Secret, and a host that is not allowed', secretOf(labels, { key }), /WHEELHOUSE_HOOK_HOSTS/],
  ])('with %s fails', async (...[_what, given, message]) => {
    secret = given;
    const outcome = await runHook(plan, http, { deps, signal });
    expect(outcome).toEqual({ state: 'failed', message: expect.stringMatching(message) });
  });
});
