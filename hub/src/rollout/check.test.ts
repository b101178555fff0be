import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { parseResource } from '@wheelhouse/shared/resources/parse';
import { expect, it } from 'vitest';
import { assertRollout } from './check.ts';

const rollout = (spec: object): KubeObject => ({
  apiVersion: 'wheelhouse.dev/v1alpha1',
  kind: 'FleetRollout',
  metadata: { name: 'shop', namespace: 'argocd' },
  spec,
});
const steps = [{ name: 'all' }];

it.each([
  ['neither a set nor a selector', { steps }, 'exactly one of applicationSet and selector'],
  ['both', { steps, applicationSet: 'a', selector: { matchLabels: { a: 'b' } } }, 'exactly one of'],
  ['an empty selector', { steps, selector: {} }, 'spec.selector is empty'],
  [
    'a rest that is not last',
    { applicationSet: 'a', steps: [...steps, { name: 'late' }] },
    'spec.steps[0] has neither',
  ],
  [
    'two steps of one name',
    { applicationSet: 'a', steps: [{ name: 'all', portion: 1 }, ...steps] },
    'two steps are named all',
  ],
  [
    'two ways to choose',
    { applicationSet: 'a', steps: [{ name: 'all', portion: 1, clusters: {} }] },
    'both clusters and portion',
  ],
  [
    'more than all',
    { applicationSet: 'a', steps: [{ name: 'all', maxUpdate: '101%' }] },
    'spec.steps[0].maxUpdate must be',
  ],
  ['none at once', { applicationSet: 'a', steps: [{ name: 'all', maxUpdate: 0 }] }, 'spec.steps[0].maxUpdate must be'],
  [
    'a soak that is no duration',
    { applicationSet: 'a', steps: [{ name: 'all', soak: 'soon' }] },
    '"soon" is not a duration',
  ],
  ['no time to progress', { applicationSet: 'a', steps, progressDeadline: '0s' }, 'is less than 1s'],
  [
    'a selector that cannot be',
    { applicationSet: 'a', steps: [{ name: 'all', clusters: { matchExpressions: [{ key: 'x', operator: 'Near' }] } }] },
    '"Near" is not a selector operator',
  ],
  [
    'a window of no zone',
    { applicationSet: 'a', steps, windows: [{ schedule: '0 1 * * *', duration: '1h', timeZone: 'Mars/Base' }] },
    'cannot be read',
  ],
  [
    'a window of six fields',
    { applicationSet: 'a', steps, windows: [{ schedule: '0 0 1 * * *', duration: '1h' }] },
    'cannot be read',
  ],
  [
    'a window of no length',
    { applicationSet: 'a', steps, windows: [{ schedule: '0 1 * * *', duration: '1s' }] },
    'between 1m and 168h',
  ],
  ['an end that is no time', { applicationSet: 'a', steps, pause: { reason: 'x', until: 'monday' } }, 'is no time'],
])('refuses %s', (_what, spec, message) => {
  expect(() => assertRollout(rollout(spec))).toThrow(message);
});

it('takes what the reference shows, and refuses fields that it does not know', () => {
  const spec = {
    applicationSet: 'shop',
    progressDeadline: '10m',
    onFailure: 'Return',
    newRevision: 'Queue',
    offline: 'Skip',
    steps: [
      { name: 'canary', clusters: { matchLabels: { ring: 'canary' } }, soak: '15m' },
      {
        name: 'early',
        portion: '10%',
        maxUpdate: 5,
        failureThreshold: { count: 1, percent: 10 },
        progressDeadline: '5m',
      },
      {
        name: 'rest',
        maxUpdate: '25%',
        approval: { people: ['ann'], roles: ['role:admin'] },
        windows: [{ schedule: '0 22 * * 1-4', duration: '6h', timeZone: 'Europe/Berlin' }],
      },
    ],
  };
  expect(() => assertRollout(parseResource(rollout(spec), { unknownFields: 'refuse' }).resource)).not.toThrow();
  const misspelt = rollout({ ...spec, steps: [{ name: 'all', maxUpdates: 1 }] });
  expect(() => parseResource(misspelt, { unknownFields: 'refuse' })).toThrow(
    'spec.steps[0].maxUpdates: unknown field, did you mean "maxUpdate"?',
  );
});
