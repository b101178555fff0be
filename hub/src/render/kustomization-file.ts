import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { formatYaml, parseYaml } from '@wheelhouse/shared/kube/yaml';
import type { KustomizeSource } from '@wheelhouse/shared/resources/application-source';
import { kustomizationFiles } from './discover.ts';
import type { Rewrite } from './kustomize-references.ts';

/** Argo CD: patches are appended to the kustomization file of the folder. */
export async function appendPatches(folder: string, patches: NonNullable<KustomizeSource['patches']>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!kustomizationFiles.includes(name)) continue;
    await edit(path.join(folder, name), (content) => ({
      ...content,
      patches: [...((content['patches'] as unknown[] | null | undefined) ?? []), ...patches],
    }));
  }
}

/** Makes entries name the folders that were fetched for them, below `workspace`. */
export async function applyRewrites(workspace: string, rewrites: readonly Rewrite[]): Promise<void> {
  for (const { file, entry, target } of rewrites) {
    const at = path.join(workspace, file.in.folder, file.path);
    const local = path.relative(path.dirname(at), path.join(workspace, target.in.folder, target.path));
    await edit(at, (content) =>
      Object.fromEntries(Object.entries(content).map(([field, value]) => [field, replaceIn(value, entry, local)])),
    );
  }
}

function replaceIn(value: unknown, entry: string, local: string): unknown {
  return Array.isArray(value) ? value.map((item: unknown) => (item === entry ? local : item)) : value;
}

async function edit(file: string, change: (content: Record<string, unknown>) => unknown): Promise<void> {
  const content = parseYaml(await readFile(file, 'utf8')) as Record<string, unknown> | null;
  await writeFile(file, formatYaml(change(content ?? {})));
}
