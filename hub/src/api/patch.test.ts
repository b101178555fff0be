import { describe, expect, it } from 'vitest';
import { applicationOf } from '../testing/hub-state.ts';
import { patchSpec } from './patch.ts';

const application = applicationOf('cart');

const patch = (operations: unknown) =>
  patchSpec(application, { patch: JSON.stringify(operations), patchType: 'json' }).resource;

describe('a JSON patch', () => {
  it('may copy', () => {
    const copied = patch([
      { op: 'copy', from: '/spec/source/path', path: '/metadata/annotations' },
      { op: 'remove', path: '/metadata/annotations' },
    ]);
    expect(copied).toEqual(application);
  });

  it('cannot fill the memory with a few copies of copies', () => {
    const doubling = Array.from({ length: 40 }, (_, index) => ({
      op: 'copy',
      from: '/spec/source',
      path: `/spec/source/x${index}`,
    }));
    expect(() => patch(doubling)).toThrow(expect.objectContaining({ code: 'TooLarge' }));
  });

  it.each([
    ['null', [null]],
    ['no list', {}],
    ['an unknown operation', [{ op: 'merge', path: '/spec' }]],
    ['a path that is no pointer', [{ op: 'remove', path: 'spec' }]],
    ['too many operations', Array.from({ length: 1_001 }, () => ({ op: 'test', path: '/kind', value: 'Application' }))],
  ])('is malformed: %s', (_name, operations) => {
    expect(() => patch(operations)).toThrow(expect.objectContaining({ code: 'Malformed' }));
  });

  it.each([
    ['a removal of what is not there', { op: 'remove', path: '/spec/none/deep' }],
    ['a copy of what is not there', { op: 'copy', from: '/spec/none/deep', path: '/spec/x' }],
    ['a test that fails', { op: 'test', path: '/kind', value: 'x' }],
  ])('does not fit: %s', (_name, operation) => {
    expect(() => patch([operation])).toThrow(/operation 0 of the patch does not fit/);
  });
});
