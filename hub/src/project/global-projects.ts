/**
 * Argo CD: `globalProjects` of argocd-cm. A project that a selector matches has, besides its own lists, those of the global
 * project. Settings that cannot be read, and a global project that does not exist, permit nothing: what they would deny is
 * not known. Inputs: the stored projects and argocd-cm.
 */
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import type { AppProject, AppProjectSpec } from '@wheelhouse/shared/resources/app-project';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import { z } from 'zod';
import { compileSelector, type Matches } from '../generate/generators/label-selector.ts';
import type { SpecStore } from '../store/specs.ts';
import type { Reason } from './project.ts';

export interface GlobalProjects {
  /** The project with what it inherits: the same object as long as nothing of it changed. */
  inherit(project: AppProject): { project: AppProject; problem?: Reason };
  /** Whether a changed object is a global project, or the settings that name them. */
  concerns(kind: string, name: string): boolean;
}

interface Setting {
  projectName: string;
  matches: Matches;
}

/** What argocd-cm says, read once for each version of it. */
interface Settings {
  from: unknown;
  list: Setting[];
  problem?: Reason;
}

interface Inherited {
  settings: Settings;
  globals: (AppProject | undefined)[];
  outcome: { project: AppProject; problem?: Reason };
}

const settingsName = 'argocd-cm';
const field = 'globalProjects';

export function createGlobalProjects(specs: Pick<SpecStore, 'find'>): GlobalProjects {
  let settings: Settings = { from: undefined, list: [] };
  const known = new WeakMap<AppProject, Inherited>();
  const readSettings = () => {
    const from = specs.find('ConfigMap', controlNamespace, settingsName)?.resource;
    if (from !== settings.from) settings = { from, ...parseSettings(from) };
    return settings;
  };
  return {
    inherit: (project) => {
      const current = readSettings();
      const own = project.metadata.labels ?? {};
      const names = current.list.filter(({ matches }) => matches(own)).map(({ projectName }) => projectName);
      const globals = names.map(
        (name) => specs.find('AppProject', controlNamespace, name)?.resource as AppProject | undefined,
      );
      const last = known.get(project);
      if (last?.settings === current && isSame(last.globals, globals)) return last.outcome;
      const outcome = mergeAll(project, { names, globals, problem: current.problem });
      known.set(project, { settings: current, globals, outcome });
      return outcome;
    },
    concerns: (kind, name) =>
      kind === 'AppProject'
        ? readSettings().list.some(({ projectName }) => projectName === name)
        : kind === 'ConfigMap' && name === settingsName,
  };
}

function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}

const expression = z.strictObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).optional() });
const settingSchema = z.strictObject({
  projectName: z.string().min(1),
  labelSelector: z
    .strictObject({
      matchLabels: z.record(z.string(), z.string()).optional(),
      matchExpressions: z.array(expression).optional(),
    })
    .optional(),
});

function parseSettings(resource: unknown): Omit<Settings, 'from'> {
  const text = (resource as { data?: Record<string, string> } | undefined)?.data?.[field] ?? '';
  try {
    const list = z.array(settingSchema).parse(parseYaml(text) ?? []);
    return {
      list: list.map(({ projectName, labelSelector }) => ({
        projectName,
        matches: compileSelector(labelSelector as Parameters<typeof compileSelector>[0], { anyValue: false }),
      })),
    };
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : String(error);
    return { list: [], problem: { message: `${field} of ConfigMap ${settingsName} cannot be read: ${why}` } };
  }
}

interface Found {
  names: readonly string[];
  globals: readonly (AppProject | undefined)[];
  problem: Reason | undefined;
}

function mergeAll(project: AppProject, { names, globals, problem }: Found): Inherited['outcome'] {
  if (problem) return { project, problem };
  const missing = names.find((_, index) => !globals[index]);
  if (missing !== undefined)
    return {
      project,
      problem: {
        message: `project ${project.metadata.name} inherits from global project ${missing}, which does not exist: create it, or take it out of ${field} in ConfigMap ${settingsName}`,
      },
    };
  const others = globals.filter((one) => one !== undefined && one !== project) as AppProject[];
  if (others.length === 0) return { project };
  return { project: { ...project, spec: others.map(({ spec }) => spec).reduce(merge, project.spec) } };
}

/** Argo CD: these lists, and no other field. An absent list differs from an empty one. */
const inheritedLists = [
  'clusterResourceWhitelist',
  'clusterResourceBlacklist',
  'namespaceResourceWhitelist',
  'namespaceResourceBlacklist',
  'syncWindows',
  'sourceRepos',
  'destinations',
] as const satisfies readonly (keyof AppProjectSpec)[];

function merge(own: AppProjectSpec, global: AppProjectSpec): AppProjectSpec {
  const lists = inheritedLists.flatMap((list) =>
    global[list]?.length ? [[list, [...(own[list] ?? []), ...global[list]]] as const] : [],
  );
  return { ...own, ...(Object.fromEntries(lists) as Partial<AppProjectSpec>) };
}
