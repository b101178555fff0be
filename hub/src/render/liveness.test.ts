import { createManualClock } from '@wheelhouse/shared/async/manual-clock';
import { expect, it } from 'vitest';
import { createLiveness } from './liveness.ts';

function start() {
  const clock = createManualClock();
  const seen = { asked: 0, silent: 0 };
  const ask = () => void (seen.asked += 1);
  const liveness = createLiveness({ clock, ask, onSilent: () => void (seen.silent += 1) }, { silentMs: 1_000 });
  return { clock, seen, liveness };
}

it('tells once of a side that says nothing for so long', () => {
  const { clock, seen, liveness } = start();
  liveness.watch();
  clock.advance(999);
  expect(seen).toEqual({ asked: 10, silent: 0 });
  clock.advance(10_000);
  expect(seen).toEqual({ asked: 10, silent: 1 });
});

it('goes on while anything is heard, and asks nothing once nothing is owed', () => {
  const { clock, seen, liveness } = start();
  liveness.watch();
  for (let times = 0; times < 30; times += 1) {
    clock.advance(900);
    liveness.heard();
    liveness.watch();
  }
  expect(seen.silent).toBe(0);
  liveness.rest();
  const { asked } = seen;
  clock.advance(60_000);
  expect(seen).toEqual({ asked, silent: 0 });
  liveness.watch();
  clock.advance(1_000);
  expect(seen.silent).toBe(1);
});
