import { join } from 'node:path';
import {
  createRenderer,
  type Rendered,
  type Renderer,
  type RendererOptions,
  type RenderFacts,
} from '@wheelhouse/hub/render/render';
import { createGitSource, type Snapshot } from '@wheelhouse/hub/source/source';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { createGitRepository, type RepositoryFiles } from '../support/git-repository.ts';
import { tempDir } from '../support/temp-dir.ts';
import { getTool } from '../support/tools.ts';

const facts: RenderFacts = { appName: 'web', appNamespace: 'argocd', project: 'default', namespace: 'shop' };

export interface RenderFixture extends AsyncDisposable {
  renderer: Renderer;
  /** Where the renderer keeps its temporary directories. */
  workspaces: string;
  /** Commits to `main`; the newest commit is what `render` reads. */
  commit(files: RepositoryFiles): Promise<void>;
  snapshot(): Promise<Snapshot>;
  render(source: Partial<ApplicationSource>, change?: Partial<RenderFacts>, signal?: AbortSignal): Promise<Rendered>;
}

/** A Git repository with `files`, and a renderer that reads it through the product's own GitSource. */
export async function startRender(
  files: RepositoryFiles,
  options: Partial<RendererOptions> = {},
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
  const versions = { kustomize: '5.8.1', helm: '4.1.4' };
  const tools = { kustomize: getTool('kustomize'), helm: getTool('helm'), versions };
  const renderer = stack.use(createRenderer({ logger }, { tools, concurrency: 2, directory: workspaces, ...options }));
  const forever = new AbortController().signal;
  const snapshot = async () => {
    const { sha } = await git.fetch({ url: repository.dir }, 'main', forever);
    return await git.open({ url: repository.dir }, sha, forever);
  };
  return {
    renderer,
    workspaces,
    commit: async (changes) => void (await repository.commit(changes, 'Change')),
    snapshot,
    render: async (source, change = {}, signal = forever) =>
      await renderer.render(
        {
          source: { repoURL: 'https://git.example/repo', ...source },
          snapshot: await snapshot(),
          facts: { ...facts, ...change },
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
