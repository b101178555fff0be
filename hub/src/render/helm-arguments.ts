import type { HelmSource } from '@wheelhouse/shared/resources/application-source';
import type { HelmFacts } from './request.ts';

export interface HelmInvocation extends HelmFacts {
  /** Absolute paths, the last wins. */
  valueFiles: readonly string[];
  /** Name to absolute path. */
  fileParameters: ReadonlyMap<string, string>;
}

/** Arguments of helm, run in the chart's folder. Argo CD: `helm template`, CRDs included unless skipped, never an install. */
export function helmArguments(options: HelmSource, invocation: HelmInvocation): string[] {
  const { releaseName, namespace, kubeVersion, apiVersions, valueFiles, fileParameters } = invocation;
  const parameters = options.parameters ?? [];
  const valuesOf = (forceString: boolean) =>
    new Map(
      parameters
        .filter((parameter) => (parameter.forceString ?? false) === forceString)
        .map(({ name = '', value = '' }) => [name, value]),
    );
  return [
    'template',
    '.',
    '--name-template',
    releaseName,
    ...(namespace ? ['--namespace', namespace] : []),
    ...(kubeVersion ? ['--kube-version', kubeVersion] : []),
    ...assignments('--set', valuesOf(false)),
    ...assignments('--set-string', valuesOf(true)),
    ...assignments('--set-file', fileParameters),
    ...valueFiles.flatMap((file) => ['--values', formatField(file)]),
    ...apiVersions.flatMap((version) => ['--api-versions', version]),
    ...(options.skipCrds ? [] : ['--include-crds']),
    ...(options.skipSchemaValidation ? ['--skip-schema-validation'] : []),
    ...(options.skipTests ? ['--skip-tests'] : []),
  ];
}

function assignments(flag: string, values: ReadonlyMap<string, string>): string[] {
  return [...values].flatMap(([name, value]) => [flag, `${name}=${cleanSetParameter(value)}`]);
}

/** Helm reads `--values` as fields with commas between them: unless it is quoted, a file `a,/etc/b` of a repository would be two, and the second one the hub's. */
function formatField(file: string): string {
  return /[",\r\n]/u.test(file) ? `"${file.replaceAll('"', '""')}"` : file;
}

/** Argo CD: a comma of a value is escaped unless it is already, or the value is a `{list}`. */
export function cleanSetParameter(value: string): string {
  return value.startsWith('{') && value.endsWith('}') ? value : value.replaceAll(/(?<!\\),/gu, String.raw`\,`);
}
