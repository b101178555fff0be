import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { FailoverRule } from '@wheelhouse/shared/resources/failover-rule';
import { parseResource } from '@wheelhouse/shared/resources/parse';
import { beforeEach, describe, expect, it } from 'vitest';
import { fakePlan } from '../api/testing/fake-plans.ts';
import type { FleetCluster } from '../fleet/clusters.ts';
import { type RuleDeps, runRule } from './rule.ts';
import type { RuleRecord } from './rule-record.ts';

const start = Date.parse('2026-01-01T12:00:00Z');
const minute = 60_000;
const signal = new AbortController().signal;

let now: number;
let said: string[];
let record: { value: RuleRecord; revision: number } | undefined;
let clusters: FleetCluster[];
let contacts: Record<string, FleetCluster['state']>;
let plan: ReturnType<typeof fakePlan>;
let refusal: FleetError | undefined;
let plans: ReturnType<typeof fakePlan>[];

beforeEach(() => {
  now = start;
  said = [];
  record = undefined;
  clusters = [cluster('eu-1', 'Lost', 20), cluster('eu-2', 'Lost', 15), cluster('us-1', 'Connected', 0)];
  contacts = {};
  plan = fakePlan({ kind: 'automatic' });
  refusal = undefined;
  plans = [];
});

function cluster(name: string, state: FleetCluster['state'], silentMinutes: number): FleetCluster {
  const lastSeenAt = new Date(start - silentMinutes * minute).toISOString();
  return { name, server: `https://${name}`, state, labels: { region: name.slice(0, 2) }, annotations: {}, lastSeenAt };
}

function ruleOf(spec: object = {}): FailoverRule {
  return parseResource(
    {
      apiVersion: 'wheelhouse.dev/v1alpha1',
      kind: 'FailoverRule',
      metadata: { name: 'eu-down' },
      spec: { enabled: true, from: 'region=eu', to: 'region=us', ...spec },
    },
    { unknownFields: 'refuse' },
  ).resource as FailoverRule;
}

const deps: RuleDeps = {
  logger: createLogger({ name: 'test', level: 'silent' }),
  rules: {
    find: () => record?.value,
    delete: async () => void (record = undefined),
    read: async () => record,
    put: async (_name, value, expected) => {
      if (expected !== (record?.revision ?? 0)) throw new FleetError('Conflict', 'somebody was faster');
      record = { value, revision: expected + 1 };
    },
  },
  failover: {
    plan: async (_request, { owner, deadlineMs, onDeadline }) => {
      said.push(`plan by ${owner}${onDeadline ? ` ${onDeadline} after ${deadlineMs}` : ''}`);
      return plan;
    },
    start: async (id) => {
      if (refusal) throw refusal;
      said.push(`start ${id}`);
      return plan;
    },
    abort: async (id) => {
      said.push(`abort ${id}`);
      return plan;
    },
    list: () => plans,
    find: (id) => plans.find((one) => one.id === id),
  },
  enrolled: () => clusters.filter(({ state }) => state !== 'Leaving' && state !== 'Expected'),
  findCluster: (name) => clusters.find((one) => one.name === name),
  contactOf: (name) => contacts[name] ?? clusters.find((one) => one.name === name)?.state,
  audit: ({ action }) => void said.push(action),
  observe: (outcome) => void said.push(outcome),
  now: () => new Date(now),
};

const owner = 'failover rule argocd/eu-down (term 1)';
const acted = [`plan by ${owner}`, 'start p1', 'fail over automatically', 'started'];

describe('a failover rule', () => {
  it.each<[string, object, () => void, string[]]>([
    ['acts when all of its clusters are silent for long enough', {}, () => undefined, acted],
    ['is off unless it says that it is on', { enabled: false }, () => undefined, []],
    ['waits while one is heard of', {}, () => (clusters[0] = cluster('eu-1', 'Stale', 5)), []],
    [
      'does not wait for word of one that is revoked or leaves',
      {},
      () => clusters.push(cluster('eu-3', 'Revoked', 0), cluster('eu-4', 'Leaving', 0)),
      acted,
    ],
    [
      'takes revoking clusters for no outage',
      {},
      () => (clusters = [cluster('eu-1', 'Revoked', 20), cluster('us-1', 'Connected', 0)]),
      [],
    ],
    ['waits as long as it may be the hub that was deaf', {}, () => void (contacts['eu-1'] = 'Connected'), []],
    ['waits for as long as it says', { lostFor: '16m' }, () => undefined, []],
    ['does nothing where no cluster is meant', { from: 'region=ap' }, () => undefined, []],
    [
      'leaves more Applications than its budget to a person',
      { atMost: { applications: 1 } },
      () => (plan = fakePlan({ leaves: [...plan.leaves, ...plan.leaves] })),
      [`plan by ${owner}`, 'refuse automatic failover', 'refused'],
    ],
    [
      'makes a plan with the deadline that it names',
      { deadline: '5m', onDeadline: 'Abort' },
      () => undefined,
      [`plan by ${owner} Abort after 300000`, ...acted.slice(1)],
    ],
    [
      'leaves a plan that is blocked to a person',
      {},
      () => (refusal = new FleetError('PlanBlocked', 'would run nowhere')),
      [`plan by ${owner}`, 'refuse automatic failover', 'refused'],
    ],
    [
      'never acts for policy Never alone',
      {},
      () => (plan = fakePlan({ leaves: plan.leaves.map((one) => ({ ...one, policy: 'Never' as const })) })),
      [`plan by ${owner}`, 'refuse automatic failover', 'refused'],
    ],
  ])('%s', async (...[_what, spec, given, expected]) => {
    given();
    await runRule(ruleOf(spec), deps, signal);
    expect(said).toEqual(expected);
  });

  it('acts once for each outage, and leaves one that comes too soon to a person', async () => {
    const outage = (lastMinute: number, atMinute: number) => {
      clusters = [cluster('eu-1', 'Lost', -lastMinute)];
      now = start + atMinute * minute;
      said = [];
    };
    await runRule(ruleOf(), deps, signal);
    now += 120 * minute;
    await runRule(ruleOf(), deps, signal);
    expect(said).toEqual(acted);
    outage(130, 150);
    await runRule(ruleOf({ every: '3h' }), deps, signal);
    await runRule(ruleOf({ every: '3h' }), deps, signal);
    expect(said).toEqual([`plan by ${owner.replace('1', '2')}`, 'refuse automatic failover', 'refused']);
    expect(record?.value).toMatchObject({
      term: 2,
      plan: 'p1',
      refused: 'the rule failed over at 2026-01-01T12:00:00.000Z and may do so once in 3h',
    });
    outage(160, 181);
    await runRule(ruleOf({ every: '3h' }), deps, signal);
    expect(said.at(-1)).toBe('started');
    expect(record?.value).toMatchObject({ term: 3, plan: 'p1', startedAt: new Date(now).toISOString() });
  });

  it('of two hubs only the one that writes the term acts', async () => {
    await Promise.all([runRule(ruleOf(), deps, signal), runRule(ruleOf(), deps, signal)]);
    expect(said).toEqual(acted);
    expect(record?.value.term).toBe(1);
  });

  it('is taken up again when the hub died between the term and the plan', async () => {
    record = {
      value: { term: 1, outage: clusters[1]?.lastSeenAt ?? '', at: new Date(now).toISOString() },
      revision: 1,
    };
    await runRule(ruleOf(), deps, signal);
    expect(said).toEqual([]);
    now += minute;
    await runRule(ruleOf(), deps, signal);
    expect(said.at(-1)).toBe('started');
    expect(record.value).toMatchObject({ term: 2, plan: 'p1' });
  });

  it('is not carried out twice when the hub died after it had started the plan', async () => {
    record = {
      value: { term: 1, outage: clusters[1]?.lastSeenAt ?? '', at: new Date(now - 31_000).toISOString() },
      revision: 1,
    };
    plans = [
      fakePlan({ id: 'other', owner: 'ann', phase: 'Arriving' }),
      fakePlan({ id: 'mine', owner, phase: 'Arriving' }),
    ];
    await runRule(ruleOf(), deps, signal);
    expect(said).toEqual([]);
    expect(record?.value).toMatchObject({ term: 1, plan: 'mine', startedAt: new Date(now - 31_000).toISOString() });
    await runRule(ruleOf(), deps, signal);
    expect(said).toEqual([]);
  });

  it('is taken up again when the hub died before it started the plan', async () => {
    record = {
      value: { term: 1, outage: clusters[1]?.lastSeenAt ?? '', at: new Date(now - 31_000).toISOString() },
      revision: 1,
    };
    plans = [fakePlan({ owner, phase: 'Planned' }), fakePlan({ owner, phase: 'Expired' })];
    await runRule(ruleOf(), deps, signal);
    expect(said).toEqual(acted.map((one) => one.replace('term 1', 'term 2')));
  });

  it('is not refused by a hub that is told to stop in the middle: the next one acts', async () => {
    const stop = new AbortController();
    const stopping: RuleDeps = {
      ...deps,
      failover: {
        ...deps.failover,
        start: async (_id, _options, given) => {
          stop.abort(new FleetError('Invalid', 'the hub stops'));
          given.throwIfAborted();
          return plan;
        },
      },
    };
    await expect(runRule(ruleOf(), stopping, stop.signal)).rejects.toThrow('the hub stops');
    expect(record?.value).not.toHaveProperty('refused');
    expect(said).toEqual([`plan by ${owner}`]);
    now += minute;
    await runRule(ruleOf(), deps, signal);
    expect(said.slice(1)).toEqual(acted.map((one) => one.replace('term 1', 'term 2')));
    expect(record?.value).toMatchObject({ term: 2, plan: 'p1' });
  });

  it.each<[string, object, RegExp]>([
    ['a selector that is none', { from: 'region==(' }, /spec.from/],
    ['no selector', { to: '' }, /spec.to/],
    ['no duration', { lostFor: 'soon' }, /spec.lostFor: not a duration/],
    ['what is no answer to a deadline', { onDeadline: 'abort' }, /spec.onDeadline/],
    ['a field that is not known', { lostfor: '10m' }, /lostfor/],
  ])('is refused with %s', (...[_what, spec, message]) => {
    expect(() => ruleOf(spec)).toThrow(message);
  });
});
