import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import { describe, expect, it, vi } from 'vitest';
import { createAgentLabels } from './agent-labels.ts';
import type { FleetCluster, SettledLabels } from './clusters.ts';

type Labels = Readonly<Record<string, string>>;

/** A cluster `eu-1` of which everything that is reported is new; `moves` says what moves Applications. */
function createFixture(moves: (labels: Labels) => boolean, labels: Record<string, string> = {}) {
  const settled: SettledLabels[] = [];
  const judged: Labels[] = [];
  const stop = new AbortController();
  const agentLabels = createAgentLabels(
    {
      clusters: {
        find: () => ({ labels }) as FleetCluster,
        newOwnLabels: (_name, reported = {}) => (settled.length > 0 ? {} : reported),
        settleOwnLabels: async (_name, settle) => void settled.push(settle),
      },
      logger: createLogger({ name: 'test', level: 'silent' }),
    },
    stop.signal,
  );
  const judge = async (_cluster: string, given: Labels) => {
    judged.push(given);
    return moves(given) ? '1 Applications would leave' : undefined;
  };
  return { agentLabels, judge, settled, judged };
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
    await vi.waitFor(() => expect(settled).toEqual([expected]));
  });

  it('that the cluster has already need no judge', async () => {
    const { agentLabels, judge, settled, judged } = createFixture(() => true, { rack: '7' });
    agentLabels.judgedBy(judge);
    agentLabels.onHeartbeat('eu-1', { rack: '7' });
    await vi.waitFor(() => expect(settled).toEqual([{ taken: { rack: '7' }, held: {}, reason: '' }]));
    expect(judged).toEqual([]);
  });

  it('wait for a judge, and for a plan that changes the same cluster', async () => {
    const { agentLabels, judge, settled } = createFixture(() => false);
    agentLabels.onHeartbeat('eu-1', { rack: '7' });
    let races = 0;
    agentLabels.judgedBy(async (cluster, labels) => {
      races += 1;
      if (races === 1) throw new FleetError('Conflict', 'plan p1 is changing the same clusters');
      return await judge(cluster, labels);
    });
    await vi.waitFor(() => {
      agentLabels.onHeartbeat('eu-1', { rack: '7' });
      expect(settled).toHaveLength(1);
    });
    expect(races).toBe(2);
  });
});
