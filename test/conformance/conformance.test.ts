import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runConformance } from './conformance.ts';
import { defaultFixtures } from './fixtures.ts';
import { registry } from './registry.ts';

describe('the fixtures', () => {
  it.each(registry.map(({ name }) => ({ name })))(
    '$name',
    async ({ name }) => {
      const { results } = await runConformance(defaultFixtures, [name]);
      const [result] = results;
      console.log(`${name}: ${result?.passed} passed, ${result?.failed} failed, ${result?.deviating} deviating`);
      const failures = result?.outcomes.filter((outcome) => outcome.failure !== undefined);
      expect(failures).toEqual([]);
      expect(result?.passed).toBeGreaterThan(0);
    },
    60_000,
  );
});

describe('pnpm conformance', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conformance-'));
    await mkdir(join(folder, 'yaml'));
    await mkdir(join(folder, 'later'));
    await writeFile(join(folder, 'later', 'cases.json'), '[]');
    const hook = { apiVersion: 'v1', kind: 'Pod', metadata: { annotations: { 'argocd.argoproj.io/hook': 'PreSync' } } };
    const plan = { area: 'ordering.plan', input: { resources: [], hooks: [hook], namespace: 'a' }, expected: [] };
    await mkdir(join(folder, 'argocd'));
    await writeFile(
      join(folder, 'argocd', 'ordering.json'),
      JSON.stringify([
        { ...plan, id: 'with a hook', options: {} },
        { ...plan, id: 'without hooks', options: { skipHooks: true } },
      ]),
    );
    await writeFile(
      join(folder, 'yaml', 'kubernetes-yaml.json'),
      JSON.stringify([
        { id: 'right', area: 'yaml.document', input: 'k: on', expected: { k: true } },
        { id: 'wrong', area: 'yaml.document', input: 'k: on', expected: { k: 'on' } },
        { id: 'other', area: 'yaml.document', input: 'k: on', expected: { k: 'on' }, deviates: 'a reason' },
        { id: 'fails', area: 'yaml.stream', input: 'a: 1\n---\nb: [', expected: { error: 'x', documents: [{ a: 1 }] } },
        { id: 'does not fail', area: 'yaml.document', input: 'a: 1', expected: { error: 'x' } },
      ]),
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  function conformance(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'run.ts'), ...args], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  it('counts, names what fails, and leaves out what it cannot judge', () => {
    const { status, stdout } = conformance('--fixtures', folder);
    expect(stdout).toContain('2 passed, 2 failed, 1 deviating');
    expect(stdout).toContain('failed wrong: is {"k":true}, expected {"k":"on"}');
    expect(stdout).toContain(
      '1 passed, 0 failed\n  not run 1, because what they judge is not built yet: hooks of a sync',
    );
    expect(stdout).toContain('not built yet: later/cases');
    expect(status).toBe(1);
  });

  it('prints only JSON with --json', () => {
    const { status, stdout } = conformance('--fixtures', folder, '--json', 'yaml/kubernetes-yaml');
    expect(stdout).toBe(
      '{"suites":[{"suite":"yaml/kubernetes-yaml","passed":2,"failed":2,"deviating":1,"failing":["wrong","does not fail"]}]}\n',
    );
    expect(status).toBe(1);
  });

  it.each([
    ['a suite that is not there', ['seed'], 'no suite "seed"; there are: argocd/ordering, yaml/kubernetes-yaml'],
    ['a suite that cannot be judged yet', ['later/cases'], 'no suite "later/cases"'],
    ['an option that it does not know', ['--fast'], "Unknown option '--fast'"],
  ])('refuses %s', (_, args, message) => {
    const { status, stdout, stderr } = conformance('--fixtures', folder, ...args);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });

  it('fails when nothing ran', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    const { status, stdout } = conformance('--fixtures', empty);
    expect(stdout).toContain('nothing ran');
    expect(status).toBe(1);
  });

  it('says where the fixtures are expected', () => {
    const { status, stderr } = conformance('--fixtures', join(folder, 'nowhere'));
    expect(stderr).toContain(`no fixtures at ${join(folder, 'nowhere')}`);
    expect(status).toBe(1);
  });
});
