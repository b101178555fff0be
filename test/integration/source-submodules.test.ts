import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { createGitSource } from '@wheelhouse/hub/source/source';
import { createSources } from '@wheelhouse/hub/source/sources';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import { expect, it } from 'vitest';
import { startSubmoduleServer } from '../support/git-submodule.ts';
import { tempDir } from '../support/temp-dir.ts';

const signal = new AbortController().signal;

it('brings the files of a submodule from its own repository, with the login of the first', async () => {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir({ memory: true }));
  const { server, outer } = stack.use(await startSubmoduleServer());
  server.requireBasic('ada', 'secret-word');
  const logger = createLogger({ name: 'test', level: 'silent' });
  const options = { directory: join(path, 'git'), engine: 'isomorphic', rewrites: [], timeoutMs: 20_000 } as const;
  const git = stack.use(createGitSource({ logger }, { ...options, environment: process.env }));
  const unused = () => Promise.reject(new Error('not asked'));
  const sources = createSources({
    git,
    charts: { fetch: unused, open: unused },
    githubApps: { login: unused },
    files: { fetch: unused, open: unused },
    lfs: { open: (snapshot) => snapshot },
    signatures: { verify: unused },
    keys: () => ({}),
    repository: (url) =>
      url === outer.url ? { url, credentials: { username: 'ada', password: 'secret-word' } } : { url },
  });
  const location = { repoURL: outer.url, targetRevision: 'main' };
  using snapshot = await sources.open(location, await sources.fetch(location, signal), signal);
  const paths = (await Array.fromAsync(snapshot.walk(''))).map((entry) => entry.path);
  expect(paths).toContain('lib/base/a.yaml');
  const entry = await snapshot.entry('lib/base/a.yaml');
  expect((await snapshot.read(entry?.oid ?? '')).toString()).toBe('inner');
  expect(execFileSync('git', ['-C', outer.dir, 'ls-tree', 'main', 'lib']).toString()).toContain('160000 commit');
});
