import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A bare repository made by the git binary, for tests of what reads Git's files. */
export interface ScratchRepository extends Disposable {
  directory: string;
  /** Runs git in it and returns its output, trimmed. */
  git(args: string[], input?: string | Buffer): string;
  /** Writes a blob, loose. */
  blob(content: string | Buffer): string;
  /** Writes a tree of lines `<mode> <name>` → oid, without any check. */
  tree(lines: Record<string, string>): string;
  commit(tree: string, message?: string): string;
}

const environment = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Bot',
  GIT_COMMITTER_EMAIL: 'bot@example.com',
  GIT_COMMITTER_DATE: '1700000000 +0200',
};

export function createScratchRepository(): ScratchRepository {
  const directory = mkdtempSync(path.join(tmpdir(), 'wheelhouse-scratch-'));
  const git = (args: string[], input?: string | Buffer) =>
    execFileSync('git', [`--git-dir=${directory}`, ...args], {
      env: environment,
      input: input ?? '',
      maxBuffer: 1 << 28,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
      .toString('utf8')
      .trim();
  git(['init', '--quiet', '--bare', '--initial-branch=main']);
  return {
    directory,
    git,
    blob: (content) => git(['hash-object', '-w', '--stdin'], content),
    tree(lines) {
      const parts = Object.entries(lines).map(([line, oid]) =>
        Buffer.concat([Buffer.from(`${line}\0`), Buffer.from(oid, 'hex')]),
      );
      return git(['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'], Buffer.concat(parts));
    },
    commit: (tree, message = 'A message') => git(['commit-tree', tree, '-m', message]),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
