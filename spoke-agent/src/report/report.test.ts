import { setImmediate } from 'node:timers/promises';
import { createManualClock, type ManualClock } from '@wheelhouse/shared/async/manual-clock';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { AppStatus, Heartbeat, HeartbeatReply } from '@wheelhouse/shared/protocol/status';
import { statusDigest } from '@wheelhouse/shared/protocol/status-digest';
import { describe, expect, it } from 'vitest';
import type { LinkState } from '../link/connection.ts';
import type { ReportedStatus } from '../sync/status.ts';
import { startHeartbeats } from './heartbeats.ts';
import { createReporter } from './reporter.ts';
import { createTokenBucket } from './token-bucket.ts';

const logger = createLogger({ name: 'test', level: 'silent' });

/** Lets time pass in steps, and what it sets off come to its end in between. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let step = 0; step < 10; step += 1) {
    clock.advance(ms / 10);
    await setImmediate();
  }
}

/** A link whose state and answers a test decides. */
function createFakeLink() {
  const listeners = new Set<() => void>();
  const fake = {
    cluster: 'us-east',
    now: 'connected' as LinkState,
    sent: [] as { status: AppStatus; ack: boolean }[],
    failing: false,
    reply: { gen: 0, resend: false } as HeartbeatReply,
    beats: [] as Heartbeat[],
    isDeaf: false,
    state: () => fake.now,
    onConnect: (listener: () => void) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    connect: () => {
      fake.now = 'connected';
      for (const listener of listeners) listener();
    },
    publishStatus: async (status: AppStatus, { ack }: { ack: boolean }) => {
      if (fake.failing) throw new FleetError('TransportUnavailable', 'cut');
      fake.sent.push({ status, ack });
    },
    heartbeat: async (heartbeat: Heartbeat) => {
      fake.beats.push(heartbeat);
      if (fake.isDeaf) throw new FleetError('TransportUnavailable', 'nobody answers');
      return fake.reply;
    },
  };
  return fake;
}

function status(app: string, fields: Partial<ReportedStatus> = {}): ReportedStatus {
  return {
    app,
    gen: 1,
    revision: 'r',
    bundle: '',
    sync: 'Synced',
    health: { status: 'Healthy' },
    resources: [],
    total: 0,
    conditions: [],
    observedAt: '',
    ...fields,
  };
}

function setUp() {
  const clock = createManualClock();
  const link = createFakeLink();
  const reporter = createReporter({ link, logger, clock, random: () => 1 });
  return { clock, link, reporter, apps: () => link.sent.map((item) => item.status.app) };
}

describe('the reporter', () => {
  it('sends the newest status of each Application, failing ones first and acknowledged', async () => {
    const { clock, link, reporter } = setUp();
    reporter.report(status('a', { health: { status: 'Progressing' } }));
    reporter.report(status('a'));
    reporter.report(status('b', { health: { status: 'Degraded' } }));
    await pass(clock, 0);
    expect(link.sent.map(({ status: { app, health }, ack }) => [app, health.status, ack])).toEqual([
      ['b', 'Degraded', true],
      ['a', 'Healthy', false],
    ]);
  });

  it('numbers statuses upward, above those of an agent before it', async () => {
    const { clock, link, reporter } = setUp();
    reporter.report(status('a'));
    await pass(clock, 0);
    reporter.report(status('a'));
    await pass(clock, 0);
    const [first, second] = link.sent.map((item) => item.status.seq);
    expect(first).toBeGreaterThanOrEqual(clock.now());
    expect(second).toBeGreaterThan(first ?? 0);
  });

  it('keeps what cannot be sent, newest only, until the connection stands', async () => {
    const { clock, link, reporter, apps } = setUp();
    link.now = 'disconnected';
    reporter.report(status('a', { revision: 'old' }));
    reporter.report(status('a', { revision: 'new' }));
    await pass(clock, 60_000);
    expect(apps()).toEqual([]);
    link.connect();
    await pass(clock, 0);
    expect(link.sent.map((item) => item.status.revision)).toEqual(['new']);
  });

  it('sends again, when a connection was lost, what the hub did not confirm', async () => {
    const { clock, link, reporter, apps } = setUp();
    reporter.report(status('a'));
    await pass(clock, 20_000);
    reporter.digest();
    reporter.report(status('b'));
    reporter.confirm();
    await pass(clock, 0);
    link.connect();
    await pass(clock, 0);
    expect(apps()).toEqual(['a', 'b', 'b']);
  });

  it('tries again when a send fails', async () => {
    const { clock, link, reporter, apps } = setUp();
    link.failing = true;
    reporter.report(status('a'));
    await pass(clock, 0);
    link.failing = false;
    await pass(clock, 30_000);
    expect(apps()).toEqual(['a']);
  });

  it('slows down after a burst, and sends all of it', async () => {
    const { clock, reporter, apps } = setUp();
    for (let index = 0; index < 1_500; index += 1) reporter.report(status(`a${index}`));
    await pass(clock, 0);
    expect(apps()).toHaveLength(1_000);
    await pass(clock, 1_000);
    expect(apps().length).toBeLessThan(1_300);
    await pass(clock, 3_000);
    expect(new Set(apps()).size).toBe(1_500);
  });

  it('tells its digest only when nothing is on its way any more', async () => {
    const { clock, link, reporter } = setUp();
    expect(reporter.digest()).toBe('');
    reporter.report(status('a'));
    expect(reporter.digest()).toBe('');
    await pass(clock, 0);
    expect(reporter.digest()).toBe('');
    await pass(clock, 10_000);
    expect(reporter.digest()).toBe(statusDigest(link.sent.map((item) => item.status)));
  });

  it('sends everything again above the number that the hub knows', async () => {
    const { clock, link, reporter, apps } = setUp();
    reporter.report(status('a'));
    reporter.report(status('b'));
    await pass(clock, 0);
    const floor = clock.now() + 1e9;
    reporter.resend(floor);
    await pass(clock, 0);
    expect(apps()).toEqual(['a', 'b', 'a', 'b']);
    expect(link.sent.slice(2).every((item) => item.status.seq > floor)).toBe(true);
  });

  it('forgets a removed Application once no tombstone names it', async () => {
    const { clock, reporter, apps } = setUp();
    reporter.report(status('gone', { removed: true }));
    reporter.report(status('stays'));
    await pass(clock, 0);
    reporter.forgetRemoved(new Set(['gone']));
    reporter.resend(0);
    await pass(clock, 0);
    expect(apps().slice(2).toSorted()).toEqual(['gone', 'stays']);
    reporter.forgetRemoved(new Set());
    reporter.resend(0);
    await pass(clock, 0);
    expect(apps().slice(4)).toEqual(['stays']);
  });
});

describe('heartbeats', () => {
  function setUpHeartbeats() {
    const clock = createManualClock();
    const link = createFakeLink();
    const asked: string[] = [];
    const compose = () => ({ appliedGen: 3, statusDigest: 'd' }) as Heartbeat;
    const deps = {
      link,
      logger,
      clock,
      random: () => 0.5,
      compose,
      onGeneration: (gen: number) => asked.push(`generation ${gen}`),
      onResend: (floor: number) => asked.push(`resend ${floor}`),
      onConfirmed: () => asked.push('confirmed'),
      onRenew: () => asked.push('renew'),
    };
    return { clock, link, asked, heartbeats: startHeartbeats(deps, { intervalMs: 30_000 }) };
  }

  it('go out at once, at each interval, and as soon as a connection is back', async () => {
    const { clock, link, heartbeats } = setUpHeartbeats();
    await pass(clock, 0);
    expect(link.beats).toHaveLength(1);
    await pass(clock, 30_000);
    expect(link.beats).toHaveLength(2);
    link.now = 'disconnected';
    await pass(clock, 60_000);
    expect(link.beats).toHaveLength(2);
    link.connect();
    await pass(clock, 0);
    expect(link.beats).toHaveLength(3);
    heartbeats[Symbol.dispose]();
    await pass(clock, 60_000);
    expect(link.beats).toHaveLength(3);
  });

  it('that nobody answers go out again long before the interval is over, less and less often', async () => {
    const { clock, link } = setUpHeartbeats();
    link.isDeaf = true;
    await pass(clock, 0);
    // 1, 2 and 4 s after one another
    for (const expected of [2, 3, 4]) {
      await pass(clock, 500 * 2 ** (expected - 1));
      expect(link.beats).toHaveLength(expected);
    }
    for (let minute = 0; minute < 10; minute += 1) await pass(clock, 60_000);
    expect(link.beats.length).toBeLessThan(50);
    link.isDeaf = false;
    await pass(clock, 30_000);
    const heard = link.beats.length;
    await pass(clock, 300_000);
    expect(link.beats).toHaveLength(heard + 10);
  });

  it.each([
    ['the hub lacks nothing', { gen: 3, resend: false }, ['generation 3', 'confirmed']],
    ['the hub lacks a status', { gen: 4, resend: true, seqFloor: 7 }, ['generation 4', 'resend 7']],
  ])('have the agent do what is needed when %s', async (_name, reply, expected) => {
    const { clock, link, asked } = setUpHeartbeats();
    link.reply = reply;
    await pass(clock, 0);
    expect(asked).toEqual(expected);
  });

  it('do not have it send everything again and again', async () => {
    const { clock, link, asked } = setUpHeartbeats();
    link.reply = { gen: 3, resend: true };
    for (let minute = 0; minute < 60; minute += 1) await pass(clock, 60_000);
    const resent = asked.filter((what) => what.startsWith('resend'));
    expect(resent.length).toBeGreaterThan(3);
    expect(resent.length).toBeLessThan(15);
  });
});

describe('a token bucket', () => {
  it('holds no more than its burst, and fills with time', () => {
    const clock = createManualClock();
    const bucket = createTokenBucket(clock, { burst: 10, perSecond: 5 });
    expect([bucket.take(4), bucket.take(20), bucket.take(1), bucket.waitMs()]).toEqual([4, 6, 0, 200]);
    clock.advance(1_000);
    expect(bucket.take(20)).toBe(5);
    clock.advance(60_000);
    expect(bucket.take(20)).toBe(10);
  });
});
