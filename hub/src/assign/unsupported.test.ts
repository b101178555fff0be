import { describe, expect, it } from 'vitest';
import { applicationOf } from '../testing/hub-state.ts';
import { whyUnsupported } from './unsupported.ts';

describe('an Application that cannot be carried out as written', () => {
  it.each([
    ['a wait that is none', { duration: '1d' }, 'retry.backoff.duration "1d" is no duration'],
    ['a negative wait', { duration: '-5s' }, 'retry.backoff.duration "-5s" is no duration'],
    ['a longest wait that is none', { maxDuration: 'xyz' }, 'retry.backoff.maxDuration "xyz" is no duration'],
  ])('is refused for %s', (_name, backoff, message) => {
    const problem = whyUnsupported(applicationOf('shop', { spec: { syncPolicy: { retry: { backoff } } } }));
    expect(problem).toMatchObject({ code: 'Invalid' });
    expect(problem?.message).toContain(`application shop: spec.syncPolicy.${message}`);
  });

  it.each([
    ['no retry', {}],
    [
      'a retry as Argo CD documents it',
      { retry: { limit: 5, backoff: { duration: '5s', factor: 2, maxDuration: '3m' } } },
    ],
    ['bare seconds, and no longest wait', { retry: { backoff: { duration: 7, maxDuration: '' } } }],
  ])('is not refused for %s', (_name, syncPolicy) => {
    expect(whyUnsupported(applicationOf('shop', { spec: { syncPolicy } }))).toBeUndefined();
  });
});
