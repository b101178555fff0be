import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { substituteSource } from '@wheelhouse/hub/render/build-environment';
import { appendPatches } from '@wheelhouse/hub/render/kustomization-file';
import { presentComponents } from '@wheelhouse/hub/render/kustomize';
import { kustomizeArguments } from '@wheelhouse/hub/render/kustomize-arguments';
import { componentEdits, kustomizeEdits } from '@wheelhouse/hub/render/kustomize-edits';
import { createMemorySnapshot } from '@wheelhouse/hub/source/memory-snapshot';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import type { KustomizeSource } from '@wheelhouse/shared/resources/application-source';
import { type Case, expectsError, judgeCases, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';

interface BuildCase extends Case {
  input: {
    buildOptions: string;
    env: Record<string, string>;
    existingDirs: string[];
    kustomize: KustomizeSource;
    path: string;
  };
  expected: { commands: string[]; kustomizationFile: string };
}

/** What the fixtures' fake kustomize was told about the cluster. */
const facts = { kubeVersion: '1.28', apiVersions: ['v1', 'apps/v1'] };
const patched =
  '# kustomization.yaml updated with patches. There is no `kustomize edit` command for adding patches. In order to generate the manifests in your local environment, you will need to copy the patches into kustomization.yaml manually.';

async function build({ input }: BuildCase): Promise<{ commands: string[]; kustomizationFile: unknown }> {
  const { path, env, buildOptions } = input;
  const source = { repoURL: '', kustomize: input.kustomize };
  const options = substituteSource(source, new Map(Object.entries(env))).kustomize ?? {};
  const snapshot = createMemorySnapshot(Object.fromEntries(input.existingDirs.map((dir) => [`${dir}/file`, ''])));
  const components = await presentComponents(options, path, async (place) => Boolean(await snapshot.entry(place)));
  const flags = buildOptions.split(' ').filter((flag) => flag !== '');
  return {
    commands: [
      ...kustomizeEdits(options).map((edit) => ['kustomize', 'edit', ...edit].join(' ')),
      ...(options.patches?.length ? [patched] : []),
      ...componentEdits(components).map((edit) => ['kustomize', 'edit', ...edit].join(' ')),
      ['kustomize', ...kustomizeArguments(options, { folder: `./${path}`, buildOptions: flags, facts })].join(' '),
    ],
    kustomizationFile: await patchedFile(options),
  };
}

async function patchedFile({ patches }: KustomizeSource): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'kustomize-args-'));
  try {
    const file = join(folder, 'kustomization.yaml');
    await writeFile(file, 'resources: []\n');
    if (patches?.length) await appendPatches(folder, patches);
    return parseYaml(await readFile(file, 'utf8'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What kustomize is called with, in which order. */
export const argocdKustomizeArgs: Suite = {
  name: 'argocd/kustomize-args',
  kind: 'file',
  run: (path) =>
    judgeCases<BuildCase>(path, async (testCase) => {
      if (!expectsError(testCase.expected)) {
        const { commands, kustomizationFile } = testCase.expected;
        return whyDifferent(await build(testCase), { commands, kustomizationFile: parseYaml(kustomizationFile) });
      }
      return await build(testCase).then(
        ({ commands }) => `runs ${commands.join('; ')}, expected an error`,
        () => undefined,
      );
    }),
};
