import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { describe, expect, it } from 'vitest';
import { createMemorySnapshot, type MemoryFiles } from '../source/memory-snapshot.ts';
import type { Snapshot } from '../source/source.ts';
import type { AuditEntry } from '../store/audit.ts';
import { applicationOf, createHubState, type HubState, logger, repoURL } from '../testing/hub-state.ts';
import { createRenderer, type Renderer } from './render.ts';
import { runRender, surveyKey } from './render-stage.ts';

const signal = new AbortController().signal;
const survey = surveyKey({ repoURL, targetRevision: 'main' });
const configMap = (text: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {text: ${text}}\n`;
const kustomization = { 'shop/kustomization.yaml': 'resources: [config.yaml]\n' };

/** Renders of directories are real; those of other kinds are made by hand, as no tool runs here. */
interface Stage extends HubState {
  /** Resolves `main` to a commit of these files. */
  commit(files: MemoryFiles): Promise<void>;
  run(key: string): Promise<void>;
  /** Runs what was enqueued of stage render, and what that enqueues, until nothing is left. */
  drain(): Promise<void>;
  /** Text of the ConfigMap in the bundle that the Application would be given. */
  text(app?: string): string | undefined;
  /** What was audited since it was asked for last. */
  audited(): AuditEntry[];
  /** Makes opening a commit fail. */
  break(error: Error | undefined): void;
}

/** `misread`: renders say that they answer another request, whatever was surveyed. */
async function start({ misread = false } = {}): Promise<Stage> {
  const state = await createHubState();
  await state.specs.put(applicationOf('shop'), { by: 'test' });
  const commits = new Map<string, Snapshot>();
  const blobs = new Map<string, Uint8Array>();
  const audited: AuditEntry[] = [];
  let broken: Error | undefined;
  const deps = {
    ...state,
    logger,
    renderer: withKustomize(
      createRenderer(
        { logger },
        { concurrency: 1, tools: { kustomize: '', helm: '', versions: { kustomize: '5', helm: '4' } } },
      ),
      misread,
    ),
    blobs: { put: async (digest: string, bytes: Uint8Array) => void blobs.set(digest, bytes) },
    resolve: async () => undefined,
    verify: async () => undefined,
    audit: async (entry: AuditEntry) => void audited.push(entry),
    open: async (_location: unknown, { sha }: { sha: string }) => {
      if (broken) throw broken;
      const snapshot = commits.get(sha);
      if (!snapshot) throw new Error(`no commit ${sha}`);
      return { ...snapshot, [Symbol.dispose]: () => undefined };
    },
  };
  const run = async (key: string) => await runRender({ key }, deps, signal);
  return {
    ...state,
    run,
    commit: async (files) => {
      const snapshot = createMemorySnapshot(files);
      commits.set(snapshot.sha, snapshot);
      await state.derived.putRevision({ repoURL, targetRevision: 'main', sha: snapshot.sha });
    },
    drain: async () => {
      for (let jobs = state.enqueued(); jobs.length > 0; jobs = state.enqueued())
        for (const job of jobs) await run(job.split(' ')[1] ?? '');
    },
    audited: () => audited.splice(0),
    text: (app = 'shop') => {
      const key = state.applications.find(app)?.request?.key ?? '';
      const bytes = blobs.get(state.derived.render(key)?.record?.digest ?? '');
      return bytes && /"text":"(\w+)"/.exec(Buffer.from(bytes).toString())?.[1];
    },
    break: (error) => {
      broken = error;
    },
  };
}

/** In the place of kustomize: reads the folder as plain manifests, and says that it is a kustomization. */
function withKustomize(renderer: Renderer, misread: boolean): Renderer {
  return {
    ...renderer,
    render: async (request, stop) => {
      const requestKey = misread ? 'another' : await renderer.requestKey(request, signal);
      const [one] = request.sources;
      if (misread) {
        const rendered = await renderer.render(request, stop);
        return { ...rendered, record: { ...rendered.record, requestKey } };
      }
      if (!one || (await one.snapshot.entry(`${one.source.path}/kustomization.yaml`)) === undefined)
        return await renderer.render(request, stop);
      const source = { ...one.source, directory: { include: 'config.yaml' } };
      const rendered = await renderer.render({ ...request, sources: [{ ...one, source }] }, stop);
      const parts = rendered.record.parts.map((part) => ({
        ...part,
        sourceType: 'Kustomize' as const,
        toolVersion: 'kustomize 5',
      }));
      return { ...rendered, sourceTypes: ['Kustomize'], record: { ...rendered.record, requestKey, parts } };
    },
  };
}

function typeOf(state: HubState): string | undefined {
  return state.derived.discovery({ repoURL, targetRevision: 'main' })?.types['shop'];
}

function problemOf({ applications, derived }: HubState): string {
  return derived.render(applications.find('shop')?.request?.key ?? '')?.problem?.message ?? '';
}

describe('a new commit', () => {
  it('is discovered and rendered', async () => {
    const stage = await start();
    await stage.commit({ 'shop/config.yaml': configMap('one') });
    await stage.run(survey);
    await stage.drain();
    expect({ type: typeOf(stage), text: stage.text() }).toEqual({ type: 'Directory', text: 'one' });
  });

  it.each<[string, number, MemoryFiles]>([
    ['touches nothing of the folder', 0, { 'shop/config.yaml': configMap('one'), README: 'new' }],
    ['touches the folder', 1, { 'shop/config.yaml': configMap('two') }],
    ['makes another kind of source of it', 1, { 'shop/config.yaml': configMap('one'), ...kustomization }],
  ])('that %s makes %d renders due', async (_name, due, files) => {
    const stage = await start();
    await stage.commit({ 'shop/config.yaml': configMap('one') });
    await stage.run(survey);
    await stage.drain();
    await stage.commit(files);
    await stage.run(survey);
    expect(stage.enqueued()).toHaveLength(due);
  });

  it('without the folder leaves its kind and its last bundle, and says what is missing', async () => {
    const stage = await start();
    await stage.commit({ 'shop/config.yaml': configMap('directory') });
    await stage.run(survey);
    await stage.drain();
    await stage.commit({ 'shop/config.yaml': configMap('kustomized'), ...kustomization });
    await stage.run(survey);
    await stage.drain();
    expect({ type: typeOf(stage), text: stage.text() }).toEqual({ type: 'Kustomize', text: 'kustomized' });
    await stage.commit({ README: 'the folder is gone' });
    await stage.run(survey);
    await stage.drain();
    expect({ type: typeOf(stage), text: stage.text() }).toEqual({ type: 'Kustomize', text: 'kustomized' });
    expect(problemOf(stage)).toMatch(/path shop does not exist/);
  });

  it('that cannot be read is surveyed again, and decides nothing', async () => {
    const stage = await start();
    await stage.commit({ 'shop/config.yaml': configMap('one'), ...kustomization });
    await stage.run(survey);
    await stage.drain();
    stage.break(new FleetError('RepositoryUnreachable', 'repository cannot be reached'));
    await expect(stage.run(survey)).rejects.toMatchObject({ code: 'RepositoryUnreachable', retryable: true });
    expect({ type: typeOf(stage), text: stage.text() }).toEqual({ type: 'Kustomize', text: 'one' });
  });

  it('does not let a render that was due for the old kind of source count for it', async () => {
    const stage = await start();
    await stage.commit({ 'shop/config.yaml': configMap('directory') });
    await stage.run(survey);
    await stage.drain();
    const old = stage.applications.find('shop')?.request?.key ?? '';
    await stage.commit({ 'shop/config.yaml': configMap('kustomized'), ...kustomization });
    await stage.run(old);
    expect({ text: stage.text(), due: stage.enqueued() }).toEqual({ text: 'directory', due: [`render ${survey}`] });
    await stage.run(survey);
    await stage.drain();
    expect(stage.text()).toBe('kustomized');
  });

  it('does not go round where its survey told nothing new', async () => {
    const stage = await start({ misread: true });
    await stage.commit({ 'shop/config.yaml': configMap('one') });
    await stage.run(survey);
    await stage.drain();
    expect(problemOf(stage)).toMatch(/answers another request than the one asked for/);
  });
});

describe('a render that fails', () => {
  it('keeps the last good bundle with the reason, and is due again until it succeeds', async () => {
    const stage = await start();
    await stage.commit({ 'shop/config.yaml': configMap('one') });
    await stage.run(survey);
    await stage.drain();
    await stage.commit({ 'shop/config.yaml': 'metadata: {}\n' });
    await stage.run(survey);
    await stage.drain();
    expect({ text: stage.text(), problem: problemOf(stage) }).toMatchObject({
      text: 'one',
      problem: expect.stringContaining('shop/config.yaml document 1: has no kind') as string,
    });
    await stage.run(survey);
    expect(stage.enqueued()).toHaveLength(1);
    await stage.commit({ 'shop/config.yaml': configMap('two') });
    await stage.run(survey);
    await stage.drain();
    expect({ text: stage.text(), problem: problemOf(stage) }).toEqual({ text: 'two', problem: '' });
  });

  it('is tried again by the queue when that can help, and keeps what it had', async () => {
    const stage = await start();
    await stage.commit({ 'shop/config.yaml': configMap('one') });
    await stage.run(survey);
    await stage.drain();
    stage.break(new FleetError('RepositoryUnreachable', 'repository cannot be reached'));
    const key = stage.applications.find('shop')?.request?.key ?? '';
    await expect(stage.run(key)).rejects.toMatchObject({ code: 'RepositoryUnreachable' });
    expect({ text: stage.text(), problem: problemOf(stage) }).toEqual({
      text: 'one',
      problem: 'repository cannot be reached',
    });
  });

  it.each<[string, (stage: Stage) => Promise<unknown>]>([
    ['nobody asks for it any more', async ({ specs }) => await specs.delete('Application', 'argocd', 'shop')],
    [
      'its revision was forgotten',
      async ({ derived }) => await derived.deleteRevision({ repoURL, targetRevision: 'main' }),
    ],
  ])('is not tried when %s', async (_name, change) => {
    const stage = await start();
    await stage.commit({ 'shop/config.yaml': configMap('one') });
    await stage.run(survey);
    const key = stage.applications.find('shop')?.request?.key ?? '';
    await change(stage);
    await stage.run(key);
    expect(stage.derived.render(key)).toBeUndefined();
  });
});

describe('a Secret with its data in Git', () => {
  const secret = (password: string) => ({
    'shop/db.yaml': `apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: ${password}}\n`,
  });
  const allow = async (stage: Stage, patterns: string) =>
    await stage.specs.put(
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'AppProject',
        metadata: { name: 'default', namespace: 'argocd', annotations: { 'wheelhouse.dev/raw-secrets': patterns } },
        spec: { sourceRepos: ['*'], destinations: [{ server: '*', namespace: '*' }] },
      },
      { by: 'test' },
    );
  const outcomeOf = ({ applications, derived }: Stage) => derived.render(applications.find('shop')?.request?.key ?? '');

  it('is refused, is let through and told of where its project names it, and is refused again when it no longer does', async () => {
    const stage = await start();
    await stage.commit(secret('hunter2'));
    await stage.run(survey);
    await stage.drain();
    expect(problemOf(stage)).toContain('secret db has its data in Git');
    expect(stage.audited()).toEqual([]);

    await allow(stage, 'default/d*');
    await stage.run(stage.applications.find('shop')?.request?.key ?? '');
    expect(outcomeOf(stage)).toMatchObject({ holdsSecrets: true });
    expect(outcomeOf(stage)?.warnings.join()).toMatch(/^RawSecretWarning: secret default\/db has its data in Git/);
    expect(stage.audited()).toMatchObject([
      {
        by: 'project default',
        action: 'take raw secrets from git',
        object: 'shop',
        details: { secrets: ['default/db'] },
      },
    ]);
    expect(JSON.stringify(outcomeOf(stage))).not.toContain('hunter2');

    await allow(stage, 'default/other');
    await stage.run(stage.applications.find('shop')?.request?.key ?? '');
    expect(problemOf(stage)).toContain('secret db has its data in Git');
  });

  it('is told of again when it changes, and only then', async () => {
    const stage = await start();
    await allow(stage, '*/db');
    await stage.commit(secret('hunter2'));
    await stage.run(survey);
    await stage.drain();
    expect(stage.audited()).toHaveLength(1);
    await stage.run(stage.applications.find('shop')?.request?.key ?? '');
    expect(stage.audited()).toEqual([]);
    await stage.commit(secret('hunter3'));
    await stage.run(survey);
    await stage.drain();
    expect(stage.audited()).toHaveLength(1);
  });
});
