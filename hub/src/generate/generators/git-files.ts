import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { GitGenerator } from '@wheelhouse/shared/resources/generator';
import { compileDoublestar } from '../../source/doublestar.ts';
import { resolveEntry, type Snapshot, type TreeEntry } from '../../source/source.ts';
import { decodeYaml, describe } from '../template/decode.ts';
import { normalizeName } from '../template/functions/names.ts';
import { basePath, directoryOf } from '../template/functions/paths.ts';
import { compareStrings, type GoMap, isMap, stringSlice, type Value } from '../template/value.ts';
import type { GeneratorContext } from './context.ts';
import { flatSegments } from './git-directories.ts';
import { compilePathspec, literalDirectory } from './glob.ts';
import { compileValues, flatten, type Parameters } from './parameters.ts';

/** Larger files hold no parameters. */
const maxFileBytes = 1_000_000;

/** Argo CD: git files. Each file holds an object, or a list of objects that become one element each. */
export async function fileParameters(git: GitGenerator, context: GeneratorContext): Promise<Parameters[]> {
  const addValues = compileValues(git.values, context.compiler);
  const snapshot = await context.snapshot(git.repoURL, git.revision);
  const build = context.compiler.goTemplate ? nestedFile : flatFile;
  const results: Parameters[] = [];
  for (const entry of await listFiles(git, snapshot, context)) {
    const objects = await readObjects(entry, snapshot, git);
    for (const object of objects) results.push(addValues(build(object, entry.path, git.pathParamPrefix ?? '')));
  }
  return results;
}

async function listFiles(git: GitGenerator, snapshot: Snapshot, context: GeneratorContext): Promise<TreeEntry[]> {
  const found = new Map<string, TreeEntry>();
  const files = git.files ?? [];
  for (const { path } of files.filter(({ exclude }) => exclude !== true))
    for (const entry of await collect(path, snapshot, context)) found.set(entry.path, entry);
  for (const { path } of files.filter(({ exclude }) => exclude === true))
    for (const entry of await collect(path, snapshot, context)) found.delete(entry.path);
  return [...found.values()].sort((left, right) => compareStrings(left.path, right.path));
}

async function collect(pattern: string, snapshot: Snapshot, context: GeneratorContext): Promise<TreeEntry[]> {
  // Argo CD's new globbing: `**` crosses directories, `*` does not, braces are alternatives.
  const matches = context.newGitFileGlobbing
    ? compileDoublestar(pattern.replace(/^(?:\.\/)+/, ''), { strictSlashes: true })
    : compilePathspec(pattern);
  const found: TreeEntry[] = [];
  for await (const entry of walkFrom(literalDirectory(pattern), snapshot)) {
    context.signal.throwIfAborted();
    if (!matches(entry.path)) continue;
    if (entry.type === 'file' || entry.type === 'symlink') found.push(entry);
    else if (context.newGitFileGlobbing) throw matchesDirectory(pattern, entry.path);
  }
  return found;
}

/** A directory and everything below it; nothing when there is no such directory. */
async function* walkFrom(directory: string, snapshot: Snapshot): AsyncGenerator<TreeEntry> {
  if (directory !== '') {
    const start = await snapshot.entry(directory);
    if (start?.type !== 'tree') return;
    yield start;
  }
  yield* snapshot.walk(directory);
}

/** Argo CD: with the new globbing a pattern that also matches a directory fails. */
function matchesDirectory(pattern: string, path: string): FleetError {
  return new FleetError(
    'GeneratorFailed',
    `file pattern "${pattern}" matches the directory ${path}; end it with the name of a file, as in **/*.yaml`,
  );
}

async function readObjects(entry: TreeEntry, snapshot: Snapshot, git: GitGenerator): Promise<GoMap[]> {
  const where = `file ${entry.path} of ${git.repoURL}`;
  try {
    const text = (await readFile(entry, snapshot)).toString();
    return objectsIn(decodeYaml(text));
  } catch (error) {
    if (error instanceof FleetError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new FleetError('GeneratorFailed', `${where}: ${message}`, { cause: error });
  }
}

async function readFile(entry: TreeEntry, snapshot: Snapshot): Promise<Buffer> {
  const target = entry.type === 'symlink' ? await resolveEntry(snapshot, entry.path) : entry;
  if (target === undefined || target.type !== 'file') throw new Error('the symbolic link leads to no file');
  const content = await snapshot.read(target.oid);
  if (content.length > maxFileBytes) throw new Error(`larger than ${maxFileBytes} bytes`);
  return content;
}

function objectsIn(value: Value): GoMap[] {
  if (value === undefined || value === null) return [{}];
  if (isMap(value)) return [value];
  if (!Array.isArray(value)) throw new Error(`must hold an object or a list of objects, is ${describe(value)}`);
  return value.map((item) => {
    if (item === null || item === undefined) return {};
    if (isMap(item)) return item;
    throw new Error(`must hold objects, the list has ${describe(item)}`);
  });
}

function nestedFile(object: GoMap, path: string, prefix: string): Parameters {
  const directory = directoryOf(path);
  const [basename, filename] = [basePath(directory), basePath(path)];
  const values: Parameters = {
    path: directory,
    basename,
    filename,
    basenameNormalized: normalizeName(basename),
    filenameNormalized: normalizeName(filename),
    segments: stringSlice(directory.split('/')),
  };
  return prefix === '' ? { ...object, path: values } : { ...object, [prefix]: { path: values } };
}

function flatFile(object: GoMap, path: string, prefix: string): Parameters {
  const name = prefix === '' ? 'path' : `${prefix}.path`;
  const directory = directoryOf(path);
  const [basename, filename] = [basePath(directory), basePath(path)];
  return {
    ...flatten(object),
    [name]: directory,
    [`${name}.basename`]: basename,
    [`${name}.filename`]: filename,
    [`${name}.basenameNormalized`]: normalizeName(basename),
    [`${name}.filenameNormalized`]: normalizeName(filename),
    ...flatSegments(name, directory),
  };
}
