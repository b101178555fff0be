import { execFileSync } from 'node:child_process';
import { gitEnvironment } from './git-repository.ts';
import { type GitServer, type ServedRepository, startGitServer } from './git-server.ts';

const author = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

/** A Git host with a repository `outer` that has another, `inner`, as its submodule `lib`. */
export async function startSubmoduleServer(): Promise<
  AsyncDisposable & { server: GitServer; outer: ServedRepository }
> {
  const server = await startGitServer();
  const inner = await server.createRepository('inner', { 'base/a.yaml': 'inner' });
  const outer = await server.createRepository('outer', {
    'app.yaml': 'outer',
    '.gitmodules': '[submodule "lib"]\n\tpath = lib\n\turl = ../inner.git\n',
  });
  const git = (args: string[], input?: string) =>
    execFileSync('git', ['-C', outer.dir, ...args], { env: { ...gitEnvironment, ...author }, input: input ?? '' })
      .toString()
      .trim();
  const commit = execFileSync('git', ['-C', inner.dir, 'rev-parse', 'main']).toString().trim();
  const tree = git(['mktree', '--missing'], `${git(['ls-tree', 'main'])}\n160000 commit ${commit}\tlib\n`);
  git(['update-ref', 'refs/heads/main', git(['commit-tree', tree, '-p', 'main', '-m', 'Add lib'])]);
  return { server, outer, [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose]() };
}
