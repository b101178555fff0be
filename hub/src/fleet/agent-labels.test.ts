import { createLogger } from '@wheelhouse/shared/logging/logger';
import { describe, expect, it, vi } from 'vitest';
import { createAgentLabels, type OwnLabelsJudge } from './agent-labels.ts';
import type { FleetCluster, SettledLabels } from './clusters.ts';

/** However busy the machine is. */
const within = { timeout: 20_000 };

type Labels = Readonly<Record<string, string>>;

/** Clusters of which everything that is reported is new until it is settled; `moves` says what moves Applications. */
function createFixture(moves: (labels: Labels) => boolean, labels: Record<string, string> = {}) {
  const settled = new Map<string, SettledLabels>();
  const judged: ReadonlyMap<string, Labels>[] = [];
  const busy = new Set<string>();
  const gone = new Set<string>();
  const stop = new AbortController();
  const agentLabels = createAgentLabels(
    {
      clusters: {
        find: (name) => (gone.has(name) ? undefined : ({ labels } as FleetCluster)),
        newOwnLabels: (name, reported = {}) => (settled.has(name) ? {} : reported),
        settleOwnLabels: async (name, settle) => void settled.set(name, settle),
      },
      logger: createLogger({ name: 'test', level: 'silent' }),
    },
    stop.signal,
  );
  const judge: OwnLabelsJudge = {
    whyPlanned: async (given) => {
      judged.push(given);
      const clusters = new Set([...given].filter(([, own]) => moves(own)).map(([name]) => name));
      return clusters.size > 0 ? { reason: '1 Applications would leave', clusters } : undefined;
    },
    changing: () => busy,
  };
  return { agentLabels, judge, settled, judged, busy, gone, stop };
}

describe('labels that an agent reports', () => {
  it.each<[string, (labels: Labels) => boolean, SettledLabels]>([
    ['are taken when they move nothing', () => false, { taken: { rack: '7', role: 'active' }, held: {}, reason: '' }],
    [
      'are held as far as they move something',
      ({ role }) => role === 'active',
      { taken: { rack: '7' }, held: { role: 'active' }, reason: '1 Applications would leave' },
    ],
    [
      'are held together when only together they move something',
      ({ role, rack }) => role === 'active' && rack === '7',
      { taken: {}, held: { rack: '7', role: 'active' }, reason: '1 Applications would leave' },
    ],
  ])('%s', async (_what, moves, expected) => {
    const { agentLabels, judge, settled } = createFixture(moves);
    agentLabels.judgedBy(judge);
    agentLabels.onHeartbeat('eu-1', { rack: '7', role: 'active' });
    await vi.waitFor(() => expect(settled.get('eu-1')).toEqual(expected), within);
  });

  it('that the cluster has already need no judge', async () => {
    const { agentLabels, judge, settled, judged } = createFixture(() => true, { rack: '7' });
    agentLabels.judgedBy(judge);
    agentLabels.onHeartbeat('eu-1', { rack: '7' });
    await vi.waitFor(() => expect(settled.get('eu-1')).toEqual({ taken: { rack: '7' }, held: {}, reason: '' }), within);
    expect(judged).toEqual([]);
  });

  it('wait for a judge, and for a plan that changes the same cluster', async () => {
    const { agentLabels, judge, settled, busy } = createFixture(() => false);
    agentLabels.onHeartbeat('eu-1', { rack: '7' });
    agentLabels.judgedBy(judge);
    busy.add('eu-1');
    agentLabels.onHeartbeat('eu-1', { rack: '7' });
    agentLabels.onHeartbeat('eu-2', { rack: '7' });
    await vi.waitFor(() => expect([...settled.keys()]).toEqual(['eu-2']), within);
    busy.clear();
    agentLabels.onHeartbeat('eu-1', { rack: '7' });
    await vi.waitFor(() => expect(settled.size).toBe(2), within);
  });

  it('wait when a plan began on their cluster while they were judged', async () => {
    const { agentLabels, judge, settled, busy } = createFixture(() => false);
    const free = Promise.withResolvers<void>();
    agentLabels.judgedBy({
      ...judge,
      whyPlanned: async (labels) => {
        await free.promise;
        if (labels.has('eu-1')) busy.add('eu-1');
        return undefined;
      },
    });
    // the first is judged alone, the others together
    for (const name of ['eu-3', 'eu-1', 'eu-2']) agentLabels.onHeartbeat(name, { rack: '7' });
    free.resolve();
    await vi.waitFor(() => expect(settled.size).toBe(2), within);
    expect([...settled.keys()]).toEqual(['eu-3', 'eu-2']);
  });

  it('are judged together with all that came while others were judged', async () => {
    const { agentLabels, judge, settled, judged } = createFixture(() => false);
    const free = Promise.withResolvers<void>();
    agentLabels.judgedBy({
      ...judge,
      whyPlanned: async (labels, signal) => {
        await free.promise;
        return await judge.whyPlanned(labels, signal);
      },
    });
    for (let place = 0; place < 100; place += 1) agentLabels.onHeartbeat(`c-${place}`, { rack: '7' });
    free.resolve();
    await vi.waitFor(() => expect(settled.size).toBe(100), within);
    expect(judged.length).toBeLessThan(20);
  });

  it('that cannot be set, or whose cluster is gone, keep nobody else waiting', async () => {
    const { agentLabels, judge, settled, judged, gone } = createFixture(() => false);
    agentLabels.judgedBy(judge);
    gone.add('eu-2');
    agentLabels.onHeartbeat('eu-1', { 'wheelhouse.dev/x': 'y' });
    agentLabels.onHeartbeat('eu-2', { rack: '7' });
    agentLabels.onHeartbeat('eu-3', { rack: '7' });
    await vi.waitFor(() => expect([...settled.keys()]).toEqual(['eu-3']), within);
    expect(judged.flatMap((labels) => [...labels.keys()])).toEqual(['eu-3']);
  });

  it('wait for the next heartbeat when the judge fails', async () => {
    const { agentLabels, judge, settled } = createFixture(() => false);
    let fails = true;
    agentLabels.judgedBy({
      ...judge,
      whyPlanned: async (labels, signal) => {
        if (fails) throw new Error('the store is away');
        return await judge.whyPlanned(labels, signal);
      },
    });
    agentLabels.onHeartbeat('eu-1', { rack: '7' });
    await vi.waitFor(() => {
      fails = false;
      agentLabels.onHeartbeat('eu-1', { rack: '7' });
      expect(settled.size).toBe(1);
    }, within);
  });

  it('are not set once the hub stops', async () => {
    const { agentLabels, judge, settled, stop } = createFixture(() => false);
    const asked = Promise.withResolvers<AbortSignal>();
    agentLabels.judgedBy({
      ...judge,
      whyPlanned: async (_labels, signal) => {
        asked.resolve(signal);
        return undefined;
      },
    });
    agentLabels.onHeartbeat('eu-1', { rack: '7' });
    stop.abort();
    expect((await asked.promise).aborted).toBe(true);
    expect(settled.size).toBe(0);
  });
});
