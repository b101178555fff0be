import { substituteSource } from '@wheelhouse/hub/render/build-environment';
import { createCollection } from '@wheelhouse/hub/render/collection';
import { resolveHelmOptions } from '@wheelhouse/hub/render/helm';
import { cleanSetParameter, helmArguments } from '@wheelhouse/hub/render/helm-arguments';
import { createReferences } from '@wheelhouse/hub/render/references';
import { createMemorySnapshot } from '@wheelhouse/hub/source/memory-snapshot';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { type Case, expectsError, judgeCases, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';

type Pairs = Record<string, string> | null;

interface TemplateInput {
  name: string;
  namespace: string;
  kubeVersion: string;
  set: Pairs;
  setString: Pairs;
  setFile: Pairs;
  values: string[] | null;
  extraValues: string;
  apiVersions: string[] | null;
  skipCrds: boolean;
  skipSchemaValidation: boolean;
  skipTests: boolean;
}

interface ApplicationInput {
  appName: string;
  appPath: string;
  destinationNamespace: string;
  kubeVersion: string;
  apiVersions: string[];
  env: Record<string, string>;
  files: string[];
  source: Partial<ApplicationSource>;
  valuesFileSchemes: string[];
}

const generated = '<generated-values-file>';
const repoURL = 'https://git.example/repo';

const judges: Record<string, (input: never) => unknown> = {
  cleanSetParameters: ({ value }: { value: string }) => cleanSetParameter(value),
  template: (input: TemplateInput) => ['helm', ...sortGroups(templateArguments(input))],
  application: async (input: ApplicationInput) => await applicationArguments(input),
};

function templateArguments(input: TemplateInput): string[] {
  const { name, namespace, kubeVersion, set, setString, setFile, values, extraValues, apiVersions, ...skips } = input;
  const parametersOf = (pairs: Pairs, forceString: boolean) =>
    Object.entries(pairs ?? {}).map(([key, value]) => ({ name: key, value, forceString }));
  return helmArguments(
    { ...skips, parameters: [...parametersOf(set, false), ...parametersOf(setString, true)] },
    {
      releaseName: name,
      namespace,
      kubeVersion,
      apiVersions: apiVersions ?? [],
      valueFiles: [...(values ?? []), ...(extraValues ? [extraValues] : [])],
      fileParameters: new Map(Object.entries(setFile ?? {})),
    },
  );
}

async function applicationArguments(input: ApplicationInput): Promise<unknown> {
  const { appName, appPath, env, files, destinationNamespace: namespace, kubeVersion, apiVersions } = input;
  const source = substituteSource({ repoURL, path: appPath, ...input.source }, new Map(Object.entries(env)));
  const collection = createCollection(createMemorySnapshot(Object.fromEntries(files.map((file) => [file, '']))));
  await collection.add(appPath);
  const options = await resolveHelmOptions(
    {
      source,
      collection,
      folder: appPath,
      references: createReferences([]),
      valuesFileSchemes: input.valuesFileSchemes,
    },
    // an Application of another namespace is named `<namespace>_<name>`
    { appName: appName.split('_').at(-1) ?? '', appNamespace: '', project: '', namespace, kubeVersion, apiVersions },
  );
  const args = options.argumentsAt((file) => ('url' in file ? file.url : `<root>/${file.path}`), generated);
  return { args: sortGroups(args), ...(options.values ? { generatedValues: parseYaml(options.values) } : {}) };
}

/** The values that a file holds count, not how it is written. */
function comparable(expected: unknown): unknown {
  const { generatedValues } = expected as { generatedValues?: string };
  return generatedValues === undefined
    ? expected
    : { ...(expected as object), generatedValues: parseYaml(generatedValues) };
}

/** The fixtures have each group of `--set*` sorted. */
function sortGroups(args: readonly string[]): string[] {
  const pairs: string[][] = [];
  for (const arg of args) {
    const last = pairs.at(-1);
    if (last?.length === 1 && last[0]?.startsWith('--set')) last.push(arg);
    else pairs.push([arg]);
  }
  const flags = ['--set', '--set-string', '--set-file'];
  const isSet = (pair: string[]) => pair.length === 2 && flags.includes(pair[0] ?? '');
  const first = pairs.findIndex(isSet);
  if (first < 0) return [...args];
  const group = pairs.filter(isSet).sort(([a = '', x = ''], [b = '', y = '']) => {
    if (a !== b) return flags.indexOf(a) - flags.indexOf(b);
    return x < y ? -1 : 1;
  });
  const rest = pairs.filter((pair) => !isSet(pair));
  return [...rest.slice(0, first), ...group, ...rest.slice(first)].flat();
}

/** What helm is called with. */
export const argocdHelmArgs: Suite = {
  name: 'argocd/helm-args',
  kind: 'file',
  run: (path) =>
    judgeCases<Case & { area: string }>(path, async ({ area, input, expected }) => {
      const judge = judges[area.replace('helm.', '')];
      if (judge === undefined) return `area ${area} is unknown`;
      if (!expectsError(expected)) return whyDifferent(await judge(input as never), comparable(expected));
      try {
        return `gives ${JSON.stringify(await judge(input as never))}, expected an error`;
      } catch {
        return undefined;
      }
    }),
};
