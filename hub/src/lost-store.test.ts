import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { leaveLostStore } from './lost-store.ts';
import type { StoredSpec } from './store/specs.ts';
import { logger, storedOf } from './testing/hub-state.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'lost-'));
  return async () => await rm(directory, { recursive: true });
});

function spec(kind: string, name: string, fields: Partial<StoredSpec>): StoredSpec {
  const resource = { apiVersion: 'argoproj.io/v1alpha1', kind, metadata: { name } };
  return storedOf(resource, fields);
}

it('saves what people wrote, but no Secret and no child of an App of Apps, and ends', async () => {
  const ended: string[] = [];
  const specs = [
    spec('AppProject', 'shop', { yaml: '# why\nkind: AppProject\n' }),
    spec('Application', 'made', {}),
    spec('Application', 'child', { owner: 'root' }),
    spec('Secret', 'credentials', {}),
  ];
  const end = ({ code }: { code: string }) => void ended.push(code);
  await leaveLostStore({ logger, specs: { list: () => specs }, end }, { directory });
  const saved = await readFile(path.join(directory, 'specs-before-loss.yaml'), 'utf8');
  expect(saved).toMatch(/^# why\nkind: AppProject\n---\n[^]*name: made/);
  expect(saved).not.toMatch(/child|credentials/);
  expect(ended).toEqual(['TransportUnavailable']);
});

it('ends although nothing can be saved', async () => {
  const ended: string[] = [];
  const end = ({ code }: { code: string }) => void ended.push(code);
  await leaveLostStore({ logger, specs: { list: () => [] }, end }, { directory: '/dev/null/nowhere' });
  expect(ended).toEqual(['TransportUnavailable']);
});
