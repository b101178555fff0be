import { compilePathMatch, type Glob } from '@wheelhouse/shared/glob/path-match';
import type { GitGenerator } from '@wheelhouse/shared/resources/generator';
import type { Snapshot } from '../../source/source.ts';
import { normalizeName } from '../template/functions/names.ts';
import { basePath } from '../template/functions/paths.ts';
import { stringSlice } from '../template/value.ts';
import type { GeneratorContext } from './context.ts';
import { compileValues, type Parameters } from './parameters.ts';

/** A pattern, one glob a path segment; undefined when it cannot be read. */
type Pattern = Glob[] | undefined;

/** Argo CD: git directories. A directory that an exclusion matches is out, whatever else matches it. */
export async function directoryParameters(git: GitGenerator, context: GeneratorContext): Promise<Parameters[]> {
  const addValues = compileValues(git.values, context.compiler);
  const build = context.compiler.goTemplate ? nestedPath : flatPath;
  const paths = await listDirectories(git, context);
  return paths.map((path) => addValues(build(path, git.pathParamPrefix ?? '')));
}

async function listDirectories(git: GitGenerator, context: GeneratorContext): Promise<string[]> {
  const snapshot = await context.snapshot(git.repoURL, git.revision);
  const directories = git.directories ?? [];
  const compiled = directories.map(({ path, exclude }) => ({ pattern: compilePattern(path, context), exclude }));
  const includes = compiled.filter(({ exclude }) => exclude !== true).map(({ pattern }) => pattern);
  const excludes = compiled.filter(({ exclude }) => exclude === true).map(({ pattern }) => pattern);
  const found: string[] = [];
  await visit({ snapshot, found, includes, signal: context.signal }, []);
  return found.filter((path) => !excludes.some((pattern) => matchesWhole(pattern, path.split('/'))));
}

function compilePattern(path: string, context: GeneratorContext): Pattern {
  const globs = path.split('/').map(compilePathMatch);
  if (globs.every((glob) => glob !== undefined)) return globs;
  context.warnings.push(`git directory pattern "${path}" cannot be read and matches nothing`);
  return undefined;
}

interface Visit {
  snapshot: Snapshot;
  includes: Pattern[];
  found: string[];
  signal: AbortSignal;
}

/** Goes down only where a pattern can still match, so that a big repository costs what its matching part costs. */
async function visit(state: Visit, parent: string[]): Promise<void> {
  state.signal.throwIfAborted();
  const open = state.includes.filter((pattern) => pattern !== undefined && matchesStart(pattern, parent));
  if (open.length === 0) return;
  for (const entry of await state.snapshot.children(parent.join('/'))) {
    // Argo CD: hidden directories do not count.
    if (entry.type !== 'tree' || entry.name.startsWith('.')) continue;
    const segments = [...parent, entry.name];
    if (open.some((pattern) => matchesWhole(pattern, segments))) state.found.push(segments.join('/'));
    await visit(state, segments);
  }
}

function matchesWhole(pattern: Pattern, segments: string[]): boolean {
  return pattern?.length === segments.length && segments.every((segment, index) => pattern[index]?.(segment) === true);
}

function matchesStart(pattern: Glob[], segments: string[]): boolean {
  return pattern.length > segments.length && segments.every((segment, index) => pattern[index]?.(segment) === true);
}

function nestedPath(path: string, prefix: string): Parameters {
  const basename = basePath(path);
  const values: Parameters = {
    path,
    basename,
    basenameNormalized: normalizeName(basename),
    segments: stringSlice(path.split('/')),
  };
  return prefix === '' ? { path: values } : { [prefix]: { path: values } };
}

function flatPath(path: string, prefix: string): Parameters {
  const name = prefix === '' ? 'path' : `${prefix}.path`;
  const basename = basePath(path);
  return {
    [name]: path,
    [`${name}.basename`]: basename,
    [`${name}.basenameNormalized`]: normalizeName(basename),
    ...flatSegments(name, path),
  };
}

/** Argo CD: `path[0]`, `path[1]` and so on; empty segments are left out. */
export function flatSegments(name: string, path: string): Parameters {
  const segments: Parameters = {};
  for (const [index, segment] of path.split('/').entries()) if (segment !== '') segments[`${name}[${index}]`] = segment;
  return segments;
}
