import { array, assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { align, createTally } from './align.ts';

const lists = array(array(integer({ min: 0, max: 12 }), { maxLength: 20 }), { maxLength: 6 });

describe('align', () => {
  it('gives what making everything anew would give, whatever changed', () => {
    assert(
      property(lists, (rounds) => {
        let before: ReturnType<typeof align<number, string>> | undefined;
        for (const inputs of rounds) {
          before = align(before, inputs, (input) => `made of ${input}`);
          expect(before.outputs).toEqual(inputs.map((input) => `made of ${input}`));
        }
      }),
    );
  });

  it.each([
    ['nothing changed', [1, 2, 3, 4], 0],
    ['one was replaced', [1, 9, 3, 4], 1],
    ['one was put in', [1, 9, 2, 3, 4], 1],
    ['one was left out', [1, 3, 4], 0],
    ['one was added', [1, 2, 3, 4, 9], 1],
    ['another was cut off', [1, 2], 0],
    ['the first was replaced', [9, 2, 3, 4], 1],
  ])('makes only what is new: %s', (_why, inputs, count) => {
    const before = align(undefined, [1, 2, 3, 4], (input) => ({ input }));
    const made: number[] = [];
    align(before, inputs, (input) => {
      made.push(input);
      return { input };
    });
    expect(made).toHaveLength(count);
  });

  it('finds what moved in a list that was turned round', () => {
    const inputs = Array.from({ length: 5_000 }, (_, index) => index);
    const before = align(undefined, inputs, (input) => input);
    let made = 0;
    align(before, inputs.toReversed(), (input) => {
      made += 1;
      return input;
    });
    expect(made).toBeLessThan(2_100);
  });
});

describe('a tally', () => {
  it('names what occurs more than once, whatever changed', () => {
    assert(
      property(lists, (rounds) => {
        const tally = createTally<number>((input) => String(input));
        for (const inputs of rounds) {
          const twice = inputs.filter((input, index) => inputs.indexOf(input) !== index).map(String);
          expect([...tally.repeated(inputs)].sort()).toEqual([...new Set(twice)].sort());
        }
      }),
    );
  });
});
