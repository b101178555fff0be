import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDelta } from './delta.ts';

const base = Buffer.from('0123456789');

describe('applyDelta', () => {
  it.each([
    { name: 'copies and inserts', delta: [10, 5, 0x91, 8, 2, 3, 97, 98, 99], expected: '89abc' },
    { name: 'copies from the start when no offset is given', delta: [10, 3, 0x90, 3], expected: '012' },
    { name: 'yields nothing', delta: [10, 0], expected: '' },
  ])('$name', ({ delta, expected }) => {
    expect(applyDelta(base, Buffer.from(delta), 100).toString()).toBe(expected);
  });

  it('copies 64 KiB when no size is given', () => {
    const big = Buffer.alloc(0x10000, 7);
    expect(applyDelta(big, Buffer.from([0x80, 0x80, 4, 0x80, 0x80, 4, 0x80]), 0x10000)).toEqual(big);
  });

  it.each([
    { name: 'another base', delta: [9, 1, 0x90, 1] },
    { name: 'a copy from beyond the base', delta: [10, 5, 0x91, 8, 5] },
    { name: 'an insert beyond the delta', delta: [10, 5, 5, 97] },
    { name: 'too many bytes', delta: [10, 1, 0x90, 3] },
    { name: 'too few bytes', delta: [10, 4, 0x90, 3] },
    { name: 'a reserved instruction', delta: [10, 1, 0] },
    { name: 'an end in the middle of a size', delta: [10, 0x80] },
  ])('refuses $name', ({ delta }) => {
    expect(() => applyDelta(base, Buffer.from(delta), 100)).toThrow(
      expect.objectContaining({ code: 'DigestMismatch' }) as Error,
    );
  });

  it('refuses a result over the limit before it makes room for it', () => {
    expect(() => applyDelta(base, Buffer.from([10, 0xff, 0xff, 0xff, 0xff, 0x7f]), 100)).toThrow(
      expect.objectContaining({ code: 'TooLarge' }) as Error,
    );
  });

  it('never fails but with a FleetError', () => {
    const neverElse = fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        return applyDelta(base, Buffer.from([10, ...bytes]), 1000).length <= 1000;
      } catch (error) {
        return error instanceof FleetError;
      }
    });
    expect(() => fc.assert(neverElse)).not.toThrow();
  });
});
