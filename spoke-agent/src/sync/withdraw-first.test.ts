import { createManualClock } from '@wheelhouse/shared/async/manual-clock';
import { expect, it } from 'vitest';
import { createWithdrawFirst } from './withdraw-first.ts';

function setUp() {
  const clock = createManualClock();
  const opened: string[] = [];
  return { clock, opened, first: createWithdrawFirst({ clock }, { onOpen: (app) => void opened.push(app) }) };
}

it('holds everybody up until each tombstone has begun, and then lets all go on', () => {
  const { first, opened } = setUp();
  expect(first.waitMs('web')).toBeUndefined();
  first.add('old');
  first.add('older');
  expect([first.waitMs('web'), first.waitMs('db')]).toEqual([30_000, 30_000]);
  first.begun('old');
  expect(opened).toEqual([]);
  expect(first.waitMs('web')).toBe(30_000);
  first.begun('older');
  expect(opened).toEqual(['web', 'db']);
  expect(first.waitMs('web')).toBeUndefined();
});

it('holds nobody up for one that cannot begin, once another has', () => {
  const { clock, first, opened } = setUp();
  first.add('stuck');
  clock.advance(31_000);
  first.add('old');
  expect(first.waitMs('web')).toBe(30_000);
  first.begun('old');
  expect(opened).toEqual(['web']);
  expect(first.waitMs('web')).toBeUndefined();
});

it('holds nobody up for longer than 30 s for one that cannot begin', () => {
  const { clock, first, opened } = setUp();
  first.add('stuck');
  clock.advance(29_000);
  expect(first.waitMs('web')).toBe(1_000);
  clock.advance(1_000);
  expect(first.waitMs('web')).toBeUndefined();
  first.begun('stuck');
  expect(opened).toEqual(['web']);
});
