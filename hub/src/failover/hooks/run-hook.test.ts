import type { AssignedOperation } from '@wheelhouse/shared/protocol/document';
import { Agent } from 'undici';
import { beforeEach, describe, expect, it } from 'vitest';
import { fakePlan } from '../../api/testing/fake-plans.ts';
import type { Plan } from '../plan-record.ts';
import type { HookCall, PlannedHook } from './planned-hook.ts';
import { type RunHookDeps, runHook } from './run-hook.ts';

const { hooks: _views, ...shown } = fakePlan();
const plan: Plan = shown;
const signal = new AbortController().signal;
const start = Date.parse('2026-01-01T00:00:00Z');

let now: number;
let cluster: string | undefined;
let operations: AssignedOperation[];
let operation: { id?: string; phase: string; message: string; finishedAt?: string } | undefined;
let secret: object | undefined;
let deps: RunHookDeps;

beforeEach(() => {
  now = start;
  cluster = 'us-1';
  operations = [];
  operation = undefined;
  secret = undefined;
  deps = {
    specs: { find: () => secret && { resource: secret } },
    http: { dispatcher: new Agent(), origins: new Set() },
    nats: { call: async ({ subject }: { subject: string }) => ({ state: 'succeeded', message: subject }) },
    applications: { find: () => ({ cluster }) },
    statuses: { find: () => operation && { status: { operation } } },
    additions: {
      operations: () => operations,
      addOperation: async (one: AssignedOperation) => void operations.push(one),
    },
    now: () => new Date(now),
  } as unknown as RunHookDeps;
});

function attemptOf(call: HookCall, attempt = 1): PlannedHook {
  return {
    hook: 'argocd/dns',
    when: 'after',
    step: 'Arriving',
    direction: 'forward',
    call,
    timeoutMs: 60_000,
    retries: 0,
    onFailure: 'Pause',
    attempt,
    startedAt: new Date(start).toISOString(),
  };
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
    operation = { id: operations[0]?.id ?? '', phase: 'Running', message: '' };
    operations = [];
    expect(await look()).toEqual({ state: 'running' });
    expect(operations).toEqual([]);
  });

  it.each<[string, string, object]>([
    ['its sync', 'Succeeded', { state: 'succeeded', message: 'sync of dns-us on us-1 is done' }],
    ['one that failed', 'Failed', { state: 'failed', message: 'sync of dns-us on us-1 Failed: job dns failed' }],
  ])('ends with %s', async (...[_what, phase, outcome]) => {
    await look();
    operation = { id: operations[0]?.id ?? '', phase, message: 'job dns failed', finishedAt: 'now' };
    expect(await look()).toEqual(outcome);
  });

  it('does not take the outcome of another sync for its own', async () => {
    await look();
    operation = { id: 'of somebody', phase: 'Succeeded', message: '', finishedAt: 'now' };
    expect(await look()).toEqual({ state: 'running' });
  });

  it('fails when it does not end in time, and where it cannot run', async () => {
    await look();
    now += 60_000;
    expect(await look()).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('did not end within 60 s'),
    });
    cluster = undefined;
    expect(await look()).toMatchObject({ state: 'failed', message: expect.stringContaining('no Application dns-us') });
  });
});

describe('an HTTP call', () => {
  const secretOf = { namespace: 'argocd', name: 'dns', key: 'key' };
  const http = attemptOf({ type: 'http', url: 'https://dns.example.com', secret: secretOf });
  const labels = { 'wheelhouse.dev/secret-type': 'failover-hook' };
  const key = Buffer.from('hush').toString('base64');

  it.each<[string, object | undefined, RegExp]>([
    ['no Secret', undefined, /there is no Secret argocd\/dns labelled/],
    ['a Secret that is for something else', { metadata: {}, data: { key } }, /there is no Secret argocd\/dns labelled/],
    ['a Secret without the entry', { metadata: { labels }, data: {} }, /has no entry key/],
    ['a Secret, and a host that is not allowed', { metadata: { labels }, data: { key } }, /WHEELHOUSE_HOOK_HOSTS/],
  ])('with %s fails', async (...[_what, given, message]) => {
    secret = given;
    const outcome = await runHook(plan, http, { deps, signal });
    expect(outcome).toEqual({ state: 'failed', message: expect.stringMatching(message) });
  });
});
