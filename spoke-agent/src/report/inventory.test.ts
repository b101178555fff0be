import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { Inventory } from '@wheelhouse/shared/protocol/inventory';
import { expect, it } from 'vitest';
import { followInventory } from './inventory.ts';

const known: Inventory = {
  nodes: 1,
  allocatable: { cpuMillis: 1, memoryBytes: 1 },
  requested: { cpuMillis: 0, memoryBytes: 0 },
  apiGroups: [],
};

it('joins what the cluster has with the labels of the agent, and logs a problem once', () => {
  const logged: string[] = [];
  const write = (line: string) => void logged.push((JSON.parse(line) as { msg: string }).msg);
  const logger = createLogger({ name: 'test', destination: { write } });
  let current: Inventory | undefined;
  let version: string | undefined;
  let problem: FleetError | undefined;
  const live = { current: () => current, kubernetesVersion: () => version, problem: () => problem };
  const part = followInventory(
    { cluster: { followInventory: () => live }, logger },
    { info: { kubernetesVersion: 'v1.35.0' }, labels: { region: 'eu' } },
    new AbortController().signal,
  );
  expect(part()).toEqual({ kubernetesVersion: 'v1.35.0' });
  problem = new FleetError('Forbidden', 'list Pod: not allowed');
  part();
  expect(part()).toEqual({ kubernetesVersion: 'v1.35.0', inventoryProblem: 'list Pod: not allowed' });
  [problem, current, version] = [undefined, known, 'v1.36.3'];
  expect(part()).toEqual({ kubernetesVersion: 'v1.36.3', inventory: { ...known, labels: { region: 'eu' } } });
  expect(logged).toEqual(['the inventory cannot be followed', 'the inventory is followed again']);
});
