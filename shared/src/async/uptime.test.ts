import { describe, expect, it } from 'vitest';
import { createUptime } from './uptime.ts';

const never = () => new Promise<never>(() => undefined);
const soon = () => AbortSignal.timeout(5_000);

describe('uptime', () => {
  it('is down until it is up', async () => {
    const uptime = createUptime(new Error('not yet'));
    expect(uptime.isUp()).toBe(false);
    await expect(uptime.during(never)).rejects.toThrow('not yet');
    const waiting = uptime.waitUntilUp(soon());
    uptime.up();
    await waiting;
    expect(await uptime.during(async () => 1)).toBe(1);
  });

  it('ends work that is under way when it goes down, and lets it start again when it is back', async () => {
    const uptime = createUptime(new Error('not yet'));
    uptime.up();
    const work = uptime.during(never);
    uptime.down(new Error('cut'));
    await expect(work).rejects.toThrow('cut');
    await expect(uptime.waitUntilUp(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
    const waiting = uptime.waitUntilUp(soon());
    uptime.up();
    await waiting;
    expect(await uptime.during(async () => 2)).toBe(2);
  });
});
