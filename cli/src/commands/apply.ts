import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import type { Applied } from '@wheelhouse/hub/api/apply';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Command } from 'commander';
import { formatName, parseName } from '../application.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import type { Run, Session } from '../session.ts';

type Verb = 'apply' | 'delete';

interface ApplyOptions {
  filename?: string[];
  dryRun?: boolean;
}

/** For one file, which may hold a fleet: the hub sets itself no limit, and each object is a write. */
const answerMs = 15 * 60_000;

/** What was answered about one object, and the file that it came from. */
type Answer = Applied & { file: string };

export function addApplyCommands(program: Command, run: Run): void {
  program
    .command('apply')
    .description('create or change what files describe: Applications, ApplicationSets, AppProjects, settings')
    .requiredOption(
      '-f, --filename <file...>',
      'YAML or JSON files, directories (with all below them), or - for standard input',
    )
    .option('--dry-run', 'check, and say what would happen')
    .action(
      run<[], ApplyOptions>(async (session, _args, { filename = [], dryRun }) => {
        return await sendAll(session, {
          verb: 'apply',
          dryRun: dryRun ?? false,
          sources: readSources(session, filename),
        });
      }),
    );

  program
    .command('delete [kind] [name...]')
    .description('delete objects by file, or by kind and name (an Application’s finalizer decides about its resources)')
    .option('-f, --filename <file...>', 'as for apply')
    .option('--dry-run', 'check, and say what would happen')
    .action(
      run<[string | undefined, string[]], ApplyOptions>(async (session, [kind, names], { filename = [], dryRun }) => {
        const named = kind ? names.map((name) => nameSource(kind, name)) : [];
        if (named.length === 0 && filename.length === 0)
          throw new FleetError('Invalid', 'name what to delete: KIND NAME, or -f FILE');
        const sources = filename.length > 0 ? readSources(session, filename) : toAsync(named);
        return await sendAll(session, { verb: 'delete', dryRun: dryRun ?? false, sources });
      }),
    );
}

interface Source {
  file: string;
  text: string;
}

interface SendOptions {
  verb: Verb;
  dryRun: boolean;
  sources: AsyncIterable<Source | Answer>;
}

/** One request for each file, in order; what is wrong with one does not keep the others from being sent. */
async function sendAll(session: Session, { verb, dryRun, sources }: SendOptions): Promise<ExitCode> {
  const answers: Answer[] = [];
  try {
    for await (const source of sources) {
      const now = 'text' in source ? await send(session, source, { verb, dryRun }) : [source];
      answers.push(...now);
      if (session.format === 'table') printAnswers(session, now, dryRun);
    }
  } finally {
    // also what was done before something else failed
    if (session.format !== 'table' && answers.length > 0) session.print(answers, () => '');
  }
  if (answers.length === 0) throw new FleetError('Invalid', `there is nothing to ${verb} in what was given`);
  return answers.some(({ result }) => result === 'error') ? exitCodes.failed : exitCodes.ok;
}

async function send(
  { client }: Session,
  { file, text }: Source,
  options: { verb: Verb; dryRun: boolean },
): Promise<Answer[]> {
  if (text.trim() === '') return [];
  const { verb, dryRun } = options;
  try {
    const query = dryRun ? { dryRun } : {};
    const { results } = await client.request<{ results: Applied[] }>(`/api/v1/fleet/${verb}`, {
      method: 'POST',
      query,
      body: text,
      answerMs,
    });
    return results.map((result) => ({ file, ...result }));
  } catch (error) {
    const { code } = toFleetError(error);
    if (code !== 'TooLarge' && code !== 'Malformed') throw error;
    return [failure(file, error)];
  }
}

function printAnswers({ io }: Session, answers: readonly Answer[], dryRun: boolean): void {
  for (const answer of answers) {
    const { kind, result, warnings, error, file, line } = answer;
    const id = kind ? `${kind.toLowerCase()}/${formatName(answer)}` : 'document';
    for (const warning of warnings) io.err(`Warning: ${warning}\n`);
    if (error) io.err(`Error: ${file}:${line}: ${error.message}\n`);
    else io.out(`${id} ${result}${dryRun ? ' (dry run)' : ''}\n`);
  }
}

/** Files in the order of their names, directories with all below them. One that cannot be read is answered as such. */
async function* readSources({ io }: Session, names: string[]): AsyncGenerator<Source | Answer> {
  for (const name of names) {
    if (name === '-') {
      yield { file: '(standard input)', text: await io.readInput() };
      continue;
    }
    try {
      for (const file of await listFiles(name, io.cwd))
        yield { file, text: await readFile(resolve(io.cwd, file), 'utf8') };
    } catch (error) {
      yield failure(name, error);
    }
  }
}

const extensions = ['.yaml', '.yml', '.json'];

async function listFiles(name: string, cwd: string): Promise<string[]> {
  if (!(await stat(resolve(cwd, name))).isDirectory()) return [name];
  const entries = await readdir(resolve(cwd, name), { recursive: true, withFileTypes: true });
  const files = entries
    // a link is followed: one that leads nowhere, or to a folder, is then said to
    .filter((entry) => !entry.isDirectory() && extensions.includes(extname(entry.name)))
    .map((entry) => join(name, entry.parentPath.slice(resolve(cwd, name).length), entry.name))
    .sort();
  if (files.length === 0) throw new FleetError('Invalid', `no ${extensions.join(', ')} file is below ${name}`);
  return files;
}

function failure(file: string, cause: unknown): Answer {
  const { code, message, details } = toFleetError(cause, 'Invalid');
  return { file, line: 1, result: 'error', warnings: [], error: { reason: code, message, details } };
}

const kindNames: Record<string, string> = {
  app: 'Application',
  application: 'Application',
  appset: 'ApplicationSet',
  applicationset: 'ApplicationSet',
  project: 'AppProject',
  proj: 'AppProject',
  appproject: 'AppProject',
  configmap: 'ConfigMap',
  cm: 'ConfigMap',
  secret: 'Secret',
};

function nameSource(kind: string, name: string): Source {
  const object = { kind: kindNames[kind.toLowerCase()] ?? kind, metadata: parseName(name) };
  return { file: `${kind} ${name}`, text: JSON.stringify(object) };
}

async function* toAsync<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
