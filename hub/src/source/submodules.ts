import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { outside, parsePath } from './repository-path.ts';
import type { Snapshot, TreeEntry } from './snapshot.ts';

export interface SubmoduleDeps {
  /** Of the repository that the snapshot is of: relative URLs of submodules begin there. */
  repoURL: string;
  open(repoURL: string, sha: string): Promise<Snapshot>;
}

const maxDepth = 5;
/** Some 500 submodules; Git has no limit of its own. */
const maxModulesBytes = 64 << 10;

/**
 * Shows submodules as the folders that Git would check out, opened when something looks into them; a submodule's object id is its
 * commit. Throws what opening its repository throws, Invalid for one that `.gitmodules` does not name.
 */
export function withSubmodules(snapshot: Snapshot, deps: SubmoduleDeps, depth = 0): Snapshot {
  const opened = new Map<string, Promise<Snapshot>>();
  const owners = new Map<string, Snapshot>();

  /** The submodule that a path leads into, if any, and what is left of the path there. */
  const enter = async (path: string): Promise<{ at: string; inner: Snapshot; rest: string } | undefined> => {
    const names = parsePath(path);
    for (let length = 1; length <= names.length; length += 1) {
      const at = names.slice(0, length).join('/');
      const entry = await snapshot.entry(at);
      if (!entry) return undefined;
      if (entry.type === 'submodule') return { at, inner: await openOne(entry), rest: names.slice(length).join('/') };
    }
    return undefined;
  };
  const openOne = async (entry: TreeEntry): Promise<Snapshot> => {
    const known = opened.get(entry.path) ?? openSubmodule({ snapshot, entry }, deps, depth);
    opened.set(entry.path, known);
    return await known;
  };
  const moved =
    (inner: Snapshot, at: string) =>
    (entry: TreeEntry): TreeEntry => {
      owners.set(entry.oid, inner);
      return { ...entry, path: `${at}/${entry.path}` };
    };
  const asTree = (entry: TreeEntry): TreeEntry =>
    entry.type === 'submodule' ? { ...entry, type: 'tree', mode: '040000' } : entry;

  const self: Snapshot = {
    sha: snapshot.sha,
    entry: async (path) => {
      const found = await enter(path);
      if (!found) return await snapshot.entry(path);
      const { at, inner, rest } = found;
      if (rest === '') return asTree((await snapshot.entry(at)) ?? missing(at));
      const entry = await inner.entry(rest);
      return entry && moved(inner, at)(entry);
    },
    children: async (path) => {
      const found = await enter(path);
      if (!found) return (await snapshot.children(path)).map(asTree);
      return (await found.inner.children(found.rest)).map(moved(found.inner, found.at));
    },
    async *walk(path) {
      for (const entry of await self.children(path)) {
        yield entry;
        if (entry.type === 'tree') yield* self.walk(entry.path);
      }
    },
    read: async (oid) => await (owners.get(oid) ?? snapshot).read(oid),
  };
  return self;
}

async function openSubmodule(
  { snapshot, entry }: { snapshot: Snapshot; entry: TreeEntry },
  deps: SubmoduleDeps,
  depth: number,
): Promise<Snapshot> {
  if (depth >= maxDepth)
    throw new FleetError('Invalid', `${entry.path}: submodules are nested deeper than ${maxDepth}`);
  const url = (await readModules(snapshot)).get(entry.path);
  if (url === undefined)
    throw new FleetError(
      'Invalid',
      `${entry.path} is a Git submodule that .gitmodules does not name: git submodule add it anew`,
    );
  const repoURL = resolveUrl(deps.repoURL, url);
  return withSubmodules(await deps.open(repoURL, entry.oid), { ...deps, repoURL }, depth + 1);
}

/** URL by path. Git: `[submodule "name"]` with `path` and `url`. Throws TooLarge. */
async function readModules(snapshot: Snapshot): Promise<Map<string, string>> {
  const file = await snapshot.entry('.gitmodules');
  const urls = new Map<string, string>();
  if (file?.type !== 'file') return urls;
  const content = await snapshot.read(file.oid);
  if (content.length > maxModulesBytes)
    throw new FleetError(
      'TooLarge',
      `.gitmodules has ${content.length} bytes, more than the ${maxModulesBytes >> 10} KiB that are read: take unused submodules out of it`,
    );
  for (const { path, url } of readSections(content.toString())) if (path && url) urls.set(path, url);
  return urls;
}

interface ModuleSection {
  path?: string;
  url?: string;
}

/** Of a name that a section gives more than once the first counts. */
function readSections(text: string): ModuleSection[] {
  const sections: ModuleSection[] = [{}];
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line.startsWith('[')) sections.push({});
    const equals = line.indexOf('=');
    const name = equals < 0 ? '' : line.slice(0, equals).trimEnd();
    const section = sections.at(-1);
    if (section && (name === 'path' || name === 'url')) section[name] ??= line.slice(equals + 1).trimStart();
  }
  return sections;
}

/** Git: `./` and `../` are relative to the URL of the repository itself. */
function resolveUrl(base: string, url: string): string {
  if (!/^\.\.?\//u.test(url)) return url;
  const [, start = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^/]*\/|[^/:]+:|\/)?(.*)$/isu.exec(base) ?? [];
  const names = namesOf(rest);
  for (const name of url.split('/')) {
    if (name === '..' && names.pop() === undefined) throw outside(url, 'is a submodule that leaves its host');
    if (name !== '..' && name !== '.') names.push(name);
  }
  return start + names.join('/');
}

/** Without the empty ones at the end. */
function namesOf(path: string): string[] {
  const names = path.split('/');
  while (names.length > 1 && names.at(-1) === '') names.pop();
  return names;
}

function missing(path: string): never {
  throw new FleetError('PathNotFound', `path "${path}" does not exist`);
}
