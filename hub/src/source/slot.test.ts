import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimSlot } from './slot.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'wheelhouse-slot-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function writeOwner(content: string): void {
  mkdirSync(path.join(directory, '0'), { recursive: true });
  writeFileSync(path.join(directory, '0', 'owner.json'), content);
}

const numberOf = async () => {
  await using slot = await claimSlot(directory);
  return path.basename(slot.directory);
};

describe('claimSlot', () => {
  const dead = spawnSync('true').pid;

  it('gives each owner a slot of its own, and a freed one to the next', async () => {
    const first = await claimSlot(directory);
    expect(await numberOf()).toBe('1');
    await first[Symbol.asyncDispose]();
    expect(await numberOf()).toBe('0');
  });

  it('gives twenty at once twenty slots', async () => {
    const slots = await Promise.all(Array.from({ length: 20 }, () => claimSlot(directory)));
    expect(new Set(slots.map((slot) => slot.directory)).size).toBe(20);
  });

  it('gives twenty at once twenty slots, where a crash left one behind', async () => {
    writeOwner(JSON.stringify({ id: 'x', host: hostname(), pid: dead, startedAt: '1' }));
    const slots = await Promise.all(Array.from({ length: 20 }, () => claimSlot(directory)));
    const names = slots.map((slot) => path.basename(slot.directory));
    expect(new Set(names).size).toBe(20);
    expect(names).toContain('0');
    expect(readdirSync(path.join(directory, '0'))).toEqual(['owner.json']);
  });

  it.each([
    {
      name: 'of a process that ended',
      owner: JSON.stringify({ id: 'x', host: hostname(), pid: dead, startedAt: '1' }),
      slot: '0',
    },
    {
      name: 'of an earlier process with this number',
      owner: JSON.stringify({ id: 'x', host: hostname(), pid: process.pid, startedAt: '1' }),
      slot: '0',
    },
    { name: 'that a crash cut off', owner: '{"id":', slot: '0' },
    {
      name: 'of another host',
      owner: JSON.stringify({ id: 'x', host: 'elsewhere', pid: 1, startedAt: '1' }),
      slot: '1',
    },
  ])('a slot $name: $slot', async ({ owner, slot }) => {
    writeOwner(owner);
    expect(await numberOf()).toBe(slot);
  });
});
