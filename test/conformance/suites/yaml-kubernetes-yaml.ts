import { parseYaml, readYamlStream } from '@wheelhouse/shared/kube/yaml';
import { type Case, expectsError, judgeCases, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';

interface YamlCase extends Case {
  area: 'yaml.document' | 'yaml.stream';
  input: string;
}

/** YAML as sigs.k8s.io/yaml and apimachinery's decoder read it. */
export const kubernetesYaml: Suite = {
  name: 'yaml/kubernetes-yaml',
  kind: 'file',
  run: (path) =>
    judgeCases<YamlCase>(path, (testCase) =>
      testCase.area === 'yaml.stream' ? judgeStream(testCase) : judgeDocument(testCase),
    ),
};

function judgeDocument({ input, expected }: YamlCase): string | undefined {
  const { value, failed } = attempt(() => parseYaml(input));
  if (expectsError(expected)) return failed ? undefined : whyDifferent(value, expected);
  return failed ? `failed: ${failed}` : whyDifferent(value, expected);
}

function judgeStream({ input, expected }: YamlCase): string | undefined {
  const documents: unknown[] = [];
  const { failed } = attempt(() => {
    for (const document of readYamlStream(input)) documents.push(document);
  });
  if (!expectsError(expected)) return failed ? `failed: ${failed}` : whyDifferent(documents, expected);
  if (!failed) return whyDifferent(documents, expected);
  return whyDifferent(documents, (expected as { documents?: unknown[] }).documents ?? []);
}

function attempt<T>(read: () => T): { value?: T; failed?: string } {
  try {
    return { value: read() };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}
