import { describe, expect, it } from 'vitest';
import { parseHeartbeat } from './heartbeat-schema.ts';
import type { Heartbeat } from './status.ts';

const heartbeat: Heartbeat = {
  v: 1,
  cluster: 'eu-1',
  uid: 'u1',
  appliedGen: 3,
  statusDigest: '',
  agentVersion: '0.1.0',
  kubernetesVersion: 'v1.36.3',
  at: '2026-01-01T00:00:00.000Z',
  inventory: {
    nodes: 3,
    allocatable: { cpuMillis: 12_000, memoryBytes: 2 ** 36 },
    requested: { cpuMillis: 2_500, memoryBytes: 2 ** 33 },
    apiGroups: ['apps', 'batch'],
    labels: { region: 'eu' },
  },
};
const parse = (value: unknown) => parseHeartbeat(JSON.stringify(value));
const withInventory = (inventory: object) => ({ ...heartbeat, inventory: { ...heartbeat.inventory, ...inventory } });

describe('a heartbeat', () => {
  it('is read as it was written', () => {
    expect(parse(heartbeat)).toEqual(heartbeat);
  });

  it('may come from an agent that reports no inventory, or that knows more than this hub', () => {
    const { inventory: _, ...bare } = heartbeat;
    expect(parse(bare)).toEqual(bare);
    expect(parse({ ...heartbeat, later: true })).toEqual(heartbeat);
  });

  it('keeps the beginning of a text that is too long', () => {
    const rejected = { count: 1, code: 'Malformed', message: 'x'.repeat(100_000), at: heartbeat.at };
    const read = parse({ ...heartbeat, rejected, inventoryProblem: 'y'.repeat(9_000) });
    expect([read.rejected?.message.length, read.inventoryProblem?.length]).toEqual([2_048, 2_048]);
  });

  it.each<[string, unknown]>([
    ['another version', { ...heartbeat, v: 2 }],
    ['a generation that is no number', { ...heartbeat, appliedGen: '3' }],
    ['a negative generation', { ...heartbeat, appliedGen: -1 }],
    ['half an inventory', { ...heartbeat, inventory: { nodes: 1 } }],
    ['negative resources', withInventory({ requested: { cpuMillis: -1, memoryBytes: 0 } })],
    ['resources without end', withInventory({ allocatable: { cpuMillis: 1e300, memoryBytes: 0 } })],
    ['parts of a node', withInventory({ nodes: 1.5 })],
    ['a flood of API groups', withInventory({ apiGroups: Array.from({ length: 501 }, (_, index) => `g${index}`) })],
    [
      'a flood of labels',
      withInventory({ labels: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`l${index}`, ''])) }),
    ],
    ['a label that is no text', withInventory({ labels: { region: { $ne: 1 } } })],
  ])('with %s is refused', (_, value) => {
    expect(() => parse(value)).toThrow(expect.objectContaining({ code: 'Malformed' }));
  });

  it('that is no JSON is refused', () => {
    expect(() => parseHeartbeat('{')).toThrow(/no JSON/);
  });
});
