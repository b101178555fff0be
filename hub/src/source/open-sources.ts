import path from 'node:path';
import { readKeys } from '../assign/signed.ts';
import { type Branches, createBranches } from '../hydrate/branches.ts';
import type { SpecStore } from '../store/specs.ts';
import { createChartSource } from './charts/chart-source.ts';
import { createGithubAppLogins, withAppLogin } from './github-app.ts';
import { createHttpClient } from './http/http-client.ts';
import { createLfs } from './lfs/lfs.ts';
import { createRecentRefs } from './recent-refs.ts';
import { createRemoteFiles } from './remote-files.ts';
import { findRepository, findWriteRepository } from './repositories.ts';
import { createSignatures } from './signatures/signatures.ts';
import type { GitSource, Repository, Rewrite } from './source.ts';
import { createSources, type Sources } from './sources.ts';

export interface OpenSourcesOptions {
  /** The hub's data directory. */
  data: string;
  timeoutMs: number;
  rewrites: readonly Rewrite[];
  /** Of the process; git sees little of it. */
  environment: Readonly<Record<string, string | undefined>>;
}

/** Every kind of source, with the credentials that the hub keeps. The Git source stays the caller's to dispose. */
export function openSources(
  deps: { git: GitSource; specs: Pick<SpecStore, 'list' | 'find'>; now(): Date },
  { data, timeoutMs, rewrites, environment }: OpenSourcesOptions,
): Sources & AsyncDisposable & { branches: Branches } {
  const stack = new AsyncDisposableStack();
  const now = () => deps.now().getTime();
  const charts = stack.use(createChartSource({ directory: path.join(data, 'charts'), timeoutMs, now }));
  const http = stack.use(createHttpClient({ timeoutMs }));
  const settings = () => ({ secrets: deps.specs.list('Secret'), configMaps: deps.specs.list('ConfigMap') });
  const repository = (url: string): Repository => findRepository(url, settings());
  const githubApps = createGithubAppLogins({ http, now });
  const sources = createSources({
    git: deps.git,
    charts,
    githubApps,
    repository,
    files: createRemoteFiles({ directory: path.join(data, 'files'), timeoutMs }),
    lfs: createLfs({ directory: path.join(data, 'lfs'), timeoutMs, rewrites, path: environment['PATH'] }),
    signatures: createSignatures(createRecentRefs({ git: deps.git, now }), {
      rewrites,
      timeoutMs,
      environment,
      allowFile: false,
    }),
    keys: () => readKeys(deps.specs),
  });
  const branches = createBranches(
    {
      repository: async (url, projects, signal) =>
        await withAppLogin(findWriteRepository(url, projects, settings()), githubApps, signal),
      now,
    },
    { directory: path.join(data, 'hydrate'), rewrites, timeoutMs, environment, allowFile: false },
  );
  return { ...sources, branches, [Symbol.asyncDispose]: async () => await stack.disposeAsync() };
}
