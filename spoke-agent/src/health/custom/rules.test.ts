import { readFileSync } from 'node:fs';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { describe, expect, it } from 'vitest';
import { healthOf } from '../health.ts';
import { customKinds, findCustomCheck } from './custom-checks.ts';
import { check, condition, lacking, otherwise, type Rule, ready, unobserved, value, without } from './rules.ts';

function object(fields: Record<string, unknown>): KubeObject {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w', generation: 2 }, ...fields };
}

const withCondition = (type: string, status: string, more: object = {}) =>
  object({ status: { conditions: [{ type, status, reason: 'R', message: 'M', ...more }] } });

describe('a rule', () => {
  it.each<[string, Rule, KubeObject, unknown]>([
    ['of a condition', condition('Ready', { True: 'Healthy' }), withCondition('Ready', 'True'), ['Healthy', 'M']],
    [
      'of a status that it does not have',
      condition('Ready', { True: 'Healthy' }),
      withCondition('Ready', 'False'),
      undefined,
    ],
    [
      'of several conditions',
      condition(['A', 'B'], { False: 'Degraded' }),
      withCondition('B', 'False'),
      ['Degraded', 'M'],
    ],
    [
      'of a reason',
      condition('Ready', { False: 'Progressing' }, { reasons: ['R'], message: '{type} {reason}' }),
      withCondition('Ready', 'False'),
      ['Progressing', 'Ready R'],
    ],
    [
      'of another reason',
      condition('Ready', { False: 'Degraded' }, { except: ['R'] }),
      withCondition('Ready', 'False'),
      undefined,
    ],
    [
      'of a status with a name that all objects have',
      condition('Ready', { True: 'Healthy' }),
      withCondition('Ready', 'constructor'),
      undefined,
    ],
    ['where nothing is told', condition('Ready', { True: 'Healthy' }), object({}), undefined],
    [
      'where no list is told',
      condition('Ready', { True: 'Healthy' }),
      object({ status: { conditions: {} } }),
      undefined,
    ],
    ['of a field', value('status.phase', { Up: 'Healthy' }), object({ status: { phase: 'Up' } }), ['Healthy', 'Up']],
    [
      'of a name that all objects have',
      value('status.phase', {}),
      object({ status: { phase: 'constructor' } }),
      undefined,
    ],
    [
      'of a flag',
      value('spec.paused', { true: 'Suspended' }, '{kind}'),
      object({ spec: { paused: true } }),
      ['Suspended', 'Widget'],
    ],
    ['of a missing field', without('status.phase', 'Progressing', 'w'), object({ status: {} }), ['Progressing', 'w']],
    ['of a missing condition', lacking('A', 'Degraded', 'w'), withCondition('B', 'True'), ['Degraded', 'w']],
    ['of an older spec', unobserved('w'), object({ status: { observedGeneration: 1 } }), ['Progressing', 'w']],
    ['of this spec', unobserved('w'), object({ status: { observedGeneration: 2 } }), undefined],
    ['in any case', otherwise('Unknown', '{status.why|not told}'), object({}), ['Unknown', 'not told']],
  ])('%s', (...[, rule, given, expected]) => {
    const health = rule(given);
    expect(health && [health.status, health.message]).toEqual(expected);
  });

  it('that answers first counts', () => {
    const both = check(condition('Ready', { True: 'Healthy' }), otherwise('Progressing', 'w'));
    expect(both(withCondition('Ready', 'True')).status).toBe('Healthy');
    expect(both(withCondition('Ready', 'Unknown')).status).toBe('Progressing');
    expect(ready('w')(object({})).message).toBe('w');
  });
});

describe('the check of a kind', () => {
  it.each([
    ['cert-manager.io', 'Certificate', true],
    ['ec2.aws.upbound.io', 'Instance', true],
    ['crossplane.io', 'Whatever', false],
    ['', 'ConfigMap', false],
    ['example.com', 'Widget', false],
  ])('%s/%s', (group, kind, isThere) => {
    expect(findCustomCheck(group, kind) !== undefined).toBe(isThere);
  });

  it.each([{}, { status: null }, { status: 'x' }, { status: { conditions: [null, 1] } }, { spec: null, status: {} }])(
    'never throws: %j',
    (fields) => {
      for (const [group, kind] of [
        ['argoproj.io', 'Rollout'],
        ['gateway.networking.k8s.io', 'Gateway'],
        ['gateway.networking.k8s.io', 'HTTPRoute'],
        ['s3.aws.upbound.io', 'Bucket'],
        ['kafka.strimzi.io', 'Kafka'],
        ['batch', 'CronJob'],
      ]) {
        const health = healthOf({ ...object(fields), apiVersion: `${group}/v1`, kind: kind as string });
        expect(health?.status).toMatch(/^(Healthy|Progressing|Degraded|Unknown)$/);
      }
    },
  );
});

it('the reference names every kind that has a check', () => {
  const page = readFileSync(new URL('../../../../docs/reference/health.md', import.meta.url), 'utf8');
  const rows = new Map(page.split('\n').map((line) => [/^\| `\*?([^`]+)`/.exec(line)?.[1] ?? '', line]));
  const isNamed = (kind: string) => {
    const [group = '', name] = kind.split('/');
    return rows.get(group)?.includes(`\`${name}\``) ?? false;
  };
  expect(customKinds.kinds.filter((kind) => !isNamed(kind))).toEqual([]);
  expect(customKinds.groups.filter((ending) => !rows.has(ending))).toEqual([]);
});
