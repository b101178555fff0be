import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import { type ApplicationSource, applicationSource } from '@wheelhouse/shared/resources/application-source';
import type { Snapshot, TreeEntry } from '../source/source.ts';

const forAll = '.argocd-source.yaml';
const forOne = /^\.argocd-source-(?<app>.+)\.yaml$/u;

/** Who overrides a source's fields by files in its folder: '' for everybody, else ids of Applications. */
export function overridesIn(children: readonly TreeEntry[]): string[] {
  return children
    .filter(({ type }) => type === 'file')
    .flatMap(({ name }) => (name === forAll ? '' : (forOne.exec(name)?.groups?.['app'] ?? [])));
}

/** Argo CD: `.argocd-source.yaml`, then `.argocd-source-<id of the Application>.yaml`. */
export function findOverrides(children: readonly TreeEntry[], application?: string): TreeEntry[] {
  const names = [forAll, ...(application === undefined ? [] : [`.argocd-source-${application}.yaml`])];
  return names.flatMap((name) => children.find((entry) => entry.name === name && entry.type === 'file') ?? []);
}

/**
 * Each file is a JSON merge patch (RFC 7386) of the source. Argo CD: only the tools' own fields may change; where the source is
 * stays as it was. Throws Malformed or UnknownField, naming the file.
 */
export async function applyOverrides(
  source: ApplicationSource,
  overrides: { snapshot: Snapshot; files: readonly TreeEntry[] },
): Promise<ApplicationSource> {
  if (overrides.files.length === 0) return source;
  let merged: unknown = source;
  for (const file of overrides.files) {
    const patch = read(file.path, (await overrides.snapshot.read(file.oid)).toString());
    merged = mergePatch(merged, patch);
    check(file.path, merged);
  }
  const { directory, helm, kustomize, plugin } = merged as ApplicationSource;
  const { directory: _d, helm: _h, kustomize: _k, plugin: _p, ...place } = source;
  return {
    ...place,
    ...(directory ? { directory } : {}),
    ...(helm ? { helm } : {}),
    ...(kustomize ? { kustomize } : {}),
    ...(plugin ? { plugin } : {}),
  };
}

function read(path: string, text: string): unknown {
  let patch: unknown;
  try {
    patch = parseYaml(text);
  } catch (error) {
    throw new FleetError('Malformed', `${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (patch === null || patch === undefined) return {};
  if (!isRecord(patch)) throw new FleetError('Malformed', `${path} is not an object with fields of spec.source`);
  return patch;
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

function check(path: string, merged: unknown): void {
  const parsed = applicationSource.safeParse(merged);
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') || 'source';
  throw new FleetError(
    issue?.code === 'unrecognized_keys' ? 'UnknownField' : 'Invalid',
    `${path}: overrides spec.source wrongly at ${where}: ${issue?.message}`,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
