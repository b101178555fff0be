import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Command } from 'commander';
import { type Column, formatTable } from '../output.ts';
import type { Run } from '../session.ts';

/** Logins for writing rendered manifests are kept apart from those for reading. */
function pathOf({ write = false }: { write?: boolean }): string {
  return write ? '/api/v1/write-repositories' : '/api/v1/repositories';
}

const writeOption = ['--write', 'of logins that rendered manifests are pushed with, which are kept apart'] as const;

interface Repository {
  repo: string;
  name: string;
  type: string;
  project: string;
  connectionState: { status: string; message: string };
}

interface AddOptions {
  name?: string;
  project?: string;
  username?: string;
  password?: string;
  passwordStdin?: boolean;
  bearerToken?: string;
  sshPrivateKeyPath?: string;
  insecure?: boolean;
  upsert?: boolean;
  write?: boolean;
}

export function addRepoCommands(program: Command, run: Run): void {
  const repo = program.command('repo').description('repositories and their credentials');
  addAdd(repo, run);
  repo
    .command('list')
    .description('repositories, and how the last contact went; credentials are never shown')
    .option(...writeOption)
    .action(
      run<[], { write?: boolean }>(async ({ client, print }, _args, options) => {
        const { items } = await client.request<{ items: Repository[] }>(pathOf(options));
        print(items, () => formatTable(items, columns, 'no repositories were added; public ones need not be'));
      }),
    );
  repo
    .command('rm <url...>')
    .description('forget repositories and their credentials')
    .option(...writeOption)
    .action(
      run<[string[]], { write?: boolean }>(async ({ client, tell }, [urls], options) => {
        for (const url of urls) {
          await client.request(`${pathOf(options)}/${encodeURIComponent(url)}`, { method: 'DELETE' });
          tell({ name: url, outcome: 'removed' }, `repository ${url} removed\n`);
        }
      }),
    );
}

function addAdd(repo: Command, run: Run): void {
  repo
    .command('add <url>')
    .description('add a repository that needs credentials')
    .option('--name <name>')
    .option('--project <name>', 'only for this project')
    .option('--username <name>')
    .option('--password <password>', 'password or access token; better from standard input')
    .option('--password-stdin', 'read the password from standard input')
    .option('--bearer-token <token>')
    .option('--ssh-private-key-path <file>')
    .option('--insecure', 'do not check the server’s certificate or host key')
    .option('--upsert', 'replace what is known of it')
    .option('--write', 'a login that rendered manifests are pushed with, and nothing else')
    .action(
      run<[string], AddOptions>(async ({ client, io, print }, [url], options) => {
        const { name, project, username, bearerToken, sshPrivateKeyPath, insecure, upsert = false } = options;
        const password = options.passwordStdin ? (await io.readInput()).replace(/\r?\n$/, '') : options.password;
        const sshPrivateKey =
          sshPrivateKeyPath === undefined ? undefined : await readKey(resolve(io.cwd, sshPrivateKeyPath));
        const body = { repo: url, name, project, username, password, bearerToken, sshPrivateKey, insecure };
        const added = await client.request<Repository>(pathOf(options), { method: 'POST', query: { upsert }, body });
        print(added, () => `repository ${url} added\n`);
      }),
    );
}

const columns: Column<Repository>[] = [
  ['REPOSITORY', ({ repo }) => repo],
  ['TYPE', ({ type }) => type],
  ['NAME', ({ name }) => name],
  ['PROJECT', ({ project }) => project],
  ['STATUS', ({ connectionState }) => connectionState.status],
  ['MESSAGE', ({ connectionState }) => connectionState.message],
];

async function readKey(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: Error) => {
    throw new FleetError('Invalid', `the private key cannot be read from ${file}: ${error.message}`, { cause: error });
  });
}
