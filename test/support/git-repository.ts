import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { runChild } from './child.ts';
import { getTool } from './tools.ts';

/** What a path holds after a commit; null deletes it. */
export type FileContent = string | Buffer | { symlink: string } | { executable: string } | null;

/** Content by path from the repository's root, with `/`. */
export type RepositoryFiles = Record<string, FileContent>;

export interface GitRepository {
  /** The bare repository. */
  dir: string;
  /** Adds one commit to a branch (`main` unless given; made if it is not there) and returns its sha. Other files stay. */
  commit(files: RepositoryFiles, message: string, branch?: string): Promise<string>;
  /** Points a tag at a revision. */
  tag(name: string, revision: string): Promise<void>;
  /** Runs `git` on the bare repository and returns its output, trimmed. */
  git(...args: string[]): Promise<string>;
}

/** An environment in which git reads no configuration of the user or the machine. */
export const gitEnvironment: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
};

/** Opens the bare repository at `dir`, or makes it with one commit of `files` on `main`. */
export async function createGitRepository(dir: string, files: RepositoryFiles = {}): Promise<GitRepository> {
  const git = async (...args: string[]) =>
    (await runChild(getTool('git'), ['-C', dir, ...args], { env: gitEnvironment })).trim();
  const commit = async (changes: RepositoryFiles, message: string, branch = 'main') => {
    const ref = `refs/heads/${branch}`;
    const parent = await git('for-each-ref', '--format=%(objectname)', ref);
    const stream = formatFastImport(changes, { ref, message, parent });
    await runChild(getTool('git'), ['-C', dir, 'fast-import', '--quiet'], { env: gitEnvironment, input: stream });
    return await git('rev-parse', ref);
  };
  if (!existsSync(join(dir, 'HEAD'))) {
    await runChild(getTool('git'), ['init', '--quiet', '--bare', '--initial-branch=main', dir], {
      env: gitEnvironment,
    });
    await git('config', 'uploadpack.allowAnySHA1InWant', 'true');
    await git('config', 'uploadpack.allowFilter', 'true');
    await git('config', 'http.receivepack', 'true');
    await commit(files, 'Start');
  }
  return {
    dir,
    git,
    commit,
    tag: async (name, revision) => {
      await git('tag', '--force', name, revision);
    },
  };
}

/** All files of a folder, by path from it: what `createRepository` takes. */
export async function readFiles(folder: string): Promise<Record<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = paths.map(
    async (path): Promise<[string, Buffer]> => [relative(folder, path).replaceAll('\\', '/'), await readFile(path)],
  );
  return Object.fromEntries(await Promise.all(files));
}

/** One commit in the input language of `git fast-import`. */
function formatFastImport(files: RepositoryFiles, commit: { ref: string; message: string; parent: string }): Buffer {
  const when = `${Math.floor(Date.now() / 1_000)} +0000`;
  const parts: Buffer[] = [];
  const line = (text: string) => parts.push(Buffer.from(`${text}\n`));
  const data = (content: string | Buffer) => {
    const bytes = Buffer.from(content);
    line(`data ${bytes.length}`);
    parts.push(bytes);
    line('');
  };
  line(`commit ${commit.ref}`);
  line(`author Test <test@example.com> ${when}`);
  line(`committer Test <test@example.com> ${when}`);
  data(commit.message);
  if (commit.parent) line(`from ${commit.parent}`);
  for (const [path, content] of Object.entries(files)) {
    if (content === null) {
      line(`D ${JSON.stringify(path)}`);
      continue;
    }
    line(`M ${modeOf(content)} inline ${JSON.stringify(path)}`);
    data(bytesOf(content));
  }
  return Buffer.concat(parts);
}

function modeOf(content: Exclude<FileContent, null>): string {
  if (typeof content === 'string' || Buffer.isBuffer(content)) return '100644';
  return 'symlink' in content ? '120000' : '100755';
}

function bytesOf(content: Exclude<FileContent, null>): string | Buffer {
  if (typeof content === 'string' || Buffer.isBuffer(content)) return content;
  return 'symlink' in content ? content.symlink : content.executable;
}
