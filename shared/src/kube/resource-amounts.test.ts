import { describe, expect, it } from 'vitest';
import { parseQuantity } from './quantity.ts';
import { parseAmounts, podRequests, workloadRequests } from './resource-amounts.ts';

describe('quantities', () => {
  it.each([
    ['2', 2],
    ['250m', 0.25],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['100n', 100 * 1e-9],
    ['1Gi', 2 ** 30],
    ['1G', 1e9],
    ['1k', 1_000],
    ['1e3', 1_000],
    ['1E', 1e18],
    ['2E3', 2_000],
    ['-1Mi', -(2 ** 20)],
    [3, 3],
    ['', undefined],
    ['1 Gi', undefined],
    ['1gi', undefined],
    ['NaN', undefined],
    [Number.NaN, undefined],
    [null, undefined],
  ])('%j is %j', (text, value) => {
    expect(parseQuantity(text)).toBe(value);
  });
});

const container = (cpu: string, memory: string, restartPolicy?: string) => ({
  resources: { requests: { cpu, memory } },
  ...(restartPolicy ? { restartPolicy } : {}),
});

describe('what a Pod asks for', () => {
  it.each([
    ['its containers together', { containers: [container('100m', '1Mi'), container('1', '2Mi')] }, 1_100, 3],
    ['nothing when it says nothing', { containers: [{}] }, 0, 0],
    [
      'an init container that needs more than all of them',
      { containers: [container('100m', '4Mi')], initContainers: [container('2', '1Mi')] },
      2_000,
      4,
    ],
    [
      'sidecars beside its containers',
      { containers: [container('100m', '1Mi')], initContainers: [container('50m', '1Mi', 'Always')] },
      150,
      2,
    ],
    [
      'an init container beside the sidecars before it only',
      {
        containers: [container('100m', '1Mi')],
        initContainers: [container('300m', '1Mi', 'Always'), container('1', '1Mi'), container('500m', '1Mi', 'Always')],
      },
      1_300,
      3,
    ],
    [
      'requests of the Pod as a whole, where there are any, and overhead',
      { containers: [container('100m', '1Mi')], resources: { requests: { cpu: '2' } }, overhead: { cpu: '10m' } },
      2_010,
      1,
    ],
  ])('is %s', (...[, spec, cpuMillis, mebibytes]) => {
    expect(podRequests(spec)).toEqual({ cpuMillis, memoryBytes: mebibytes * 2 ** 20 });
  });

  it('rounds up, and not because of binary fractions', () => {
    expect(parseAmounts({ cpu: '0.0001', memory: '100m' })).toEqual({ cpuMillis: 1, memoryBytes: 1 });
    expect(parseAmounts({ cpu: '1.001' }).cpuMillis).toBe(1_001);
    expect(parseAmounts({ cpu: '4.35' }).cpuMillis).toBe(4_350);
  });
});

describe('what a workload asks for', () => {
  const template = { spec: { containers: [container('500m', '1Mi')] } };
  it.each([
    ['Deployment', { replicas: 3, template }, 1_500],
    ['Deployment', { template }, 500],
    ['StatefulSet', { replicas: 0, template }, 0],
    ['DaemonSet', { template }, 2_000],
    ['Job', { parallelism: 5, completions: 2, template }, 1_000],
    ['CronJob', { jobTemplate: { spec: { template } } }, 0],
    ['Pod', template.spec, 500],
    ['ConfigMap', undefined, 0],
  ])('%s %j', (kind, spec, cpuMillis) => {
    const object = { apiVersion: 'v1', kind, metadata: { name: 'x' }, ...(spec ? { spec } : {}) };
    expect(workloadRequests(object, { nodes: 4 }).cpuMillis).toBe(cpuMillis);
  });
});
