import { join } from 'node:path';
import {
  createRenderer,
  type OpenLocation,
  type Rendered,
  type Renderer,
  type RendererDeps,
  type RendererOptions,
  type RenderFacts,
} from '@wheelhouse/hub/render/render';
import { createChartSource } from '@wheelhouse/hub/source/charts/chart-source';
import { createRemoteFiles } from '@wheelhouse/hub/source/remote-files';
import { createGitSource, type Snapshot } from '@wheelhouse/hub/source/source';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { createGitRepository, type RepositoryFiles } from '../support/git-repository.ts';
import { tempDir } from '../support/temp-dir.ts';
import { getTool } from '../support/tools.ts';

const ownURL = 'https://git.example/repo';
const facts: RenderFacts = { appName: 'web', appNamespace: 'argocd', project: 'default', namespace: 'shop' };

export interface RenderFixture extends AsyncDisposable {
  renderer: Renderer;
  /** Where the renderer keeps its temporary directories. */
  workspaces: string;
  /** Commits to `main`; the newest commit is what `render` reads. */
  commit(files: RepositoryFiles): Promise<void>;
  snapshot(): Promise<Snapshot>;
  /** Any repository on this machine. */
  open(url: string, targetRevision: string): Promise<Snapshot>;
  /** As a render opens what its source refers to; the source's own URL is this repository. */
  openLocation: OpenLocation;
  render(source: Partial<ApplicationSource>, change?: Partial<RenderFacts>, signal?: AbortSignal): Promise<Rendered>;
}

/** A Git repository with `files`, and a renderer that reads it through the product's own GitSource. */
export async function startRender(
  files: RepositoryFiles,
  { settings, ...options }: Partial<RendererOptions> & Pick<RendererDeps, 'settings'> = {},
): Promise<RenderFixture> {
  const stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir({ memory: true }));
  const logger = createLogger({ name: 'test', level: 'silent' });
  const repository = await createGitRepository(join(path, 'repository.git'), files);
  const git = stack.use(
    createGitSource(
      { logger },
      {
        directory: join(path, 'mirrors'),
        engine: 'native',
        rewrites: [],
        timeoutMs: 30_000,
        allowFileUrls: true,
        environment: process.env,
      },
    ),
  );
  const workspaces = join(path, 'workspaces');
  const versions = { kustomize: '5.8.1', helm: '4.1.4', jsonnet: '0.22.0' };
  const tools = { kustomize: getTool('kustomize'), helm: getTool('helm'), jsonnet: getTool('jsonnet'), versions };
  const renderer = stack.use(
    createRenderer(
      { logger, ...(settings ? { settings } : {}) },
      { tools, concurrency: 2, directory: workspaces, ...options },
    ),
  );
  const forever = new AbortController().signal;
  const open = async (url: string, targetRevision: string) => {
    const { sha } = await git.fetch({ url }, targetRevision, forever);
    return await git.open({ url }, sha, forever);
  };
  const snapshot = async () => await open(repository.dir, 'main');
  const charts = stack.use(createChartSource({ directory: join(path, 'charts'), timeoutMs: 20_000 }));
  const remoteFiles = createRemoteFiles({ directory: join(path, 'files'), timeoutMs: 20_000 });
  const openLocation: OpenLocation = async (location, signal) => {
    const { repoURL: url, targetRevision, chart, file } = location;
    if (file) return await remoteFiles.open({ url }, (await remoteFiles.fetch({ url }, signal)).sha, signal);
    if (!chart) return url === ownURL ? await snapshot() : await open(url, targetRevision);
    const known = { url, plainHttp: true };
    return await charts.open(location, { ...(await charts.fetch(location, known, signal)), repository: known }, signal);
  };
  return {
    renderer,
    workspaces,
    commit: async (changes) => void (await repository.commit(changes, 'Change')),
    snapshot,
    open,
    openLocation,
    render: async (source, change = {}, signal = forever) =>
      await renderer.render(
        {
          sources: [{ source: { repoURL: ownURL, ...source }, snapshot: await snapshot() }],
          facts: { ...facts, ...change },
          open: openLocation,
        },
        signal,
      ),
    [Symbol.asyncDispose]: async () => await stack.disposeAsync(),
  };
}

/** `Kind/name` of each manifest, in order. */
export function namesOf({ manifests }: Rendered): string[] {
  return manifests.map(({ kind, metadata }) => `${kind}/${metadata.name ?? metadata.generateName}`);
}
