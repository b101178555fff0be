import { formatJson } from '@wheelhouse/shared/kube/json';
import { applicationId } from '@wheelhouse/shared/protocol/document';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import type { IntegrityPolicy } from '../project/integrity.ts';

/** What a tool may read besides Git. */
export interface RenderFacts {
  appName: string;
  /** Namespace of the Application itself. */
  appNamespace: string;
  project: string;
  /** Destination namespace; '' when there is none. */
  namespace: string;
  /** Helm's Capabilities. Every distinct value is a render of its own: leave out unless charts need it. */
  kubeVersion?: string;
  apiVersions?: string[];
  /** Id of the Application, when files in Git may override its sources: such a render is shared with nobody. */
  overriddenBy?: string;
  /** What must be signed before it is rendered: by one of the keys with that digest, one policy for each source. */
  integrity?: { policies: readonly (IntegrityPolicy | null)[]; keyring: string };
  /** The annotation `manifest-generate-paths`, which also says what a plugin sees; absent: everything. */
  generatePaths?: string;
  /** Secrets that the project lets come with their data from Git, as `namespace/name`; absent: none. */
  rawSecrets?: string[];
}

/** What stands for the revision where it is not known yet, in keys. */
const unknownRevision = '<revision>';

/** Argo CD: the build environment. Without `sha` the revision variables hold a constant. */
export function buildEnvironment(
  source: ApplicationSource,
  facts: RenderFacts,
  sha = unknownRevision,
): Map<string, string> {
  return new Map([
    ['ARGOCD_APP_NAME', applicationId(facts.appNamespace, facts.appName)],
    ['ARGOCD_APP_NAMESPACE', facts.namespace],
    ['ARGOCD_APP_PROJECT_NAME', facts.project],
    ['ARGOCD_APP_REVISION', sha],
    ['ARGOCD_APP_REVISION_SHORT', sha.slice(0, 7)],
    ['ARGOCD_APP_REVISION_SHORT_8', sha.slice(0, 8)],
    ['ARGOCD_APP_SOURCE_REPO_URL', source.repoURL],
    ['ARGOCD_APP_SOURCE_PATH', source.path ?? ''],
    ['ARGOCD_APP_SOURCE_TARGET_REVISION', source.targetRevision ?? ''],
    ['KUBE_VERSION', facts.kubeVersion ?? ''],
    ['KUBE_API_VERSIONS', (facts.apiVersions ?? []).join(',')],
  ]);
}

const variable = /\$(?:\{(?<braced>[^}]*)\}|\{|(?<special>[*#$@!?\-0-9])|(?<name>\w+))/gu;

/** Argo CD: `$NAME` and `${NAME}` as Go's os.Expand reads them; unknown names are empty, `$$` is one dollar sign. */
export function substitute(text: string, environment: ReadonlyMap<string, string>): string {
  return text.replaceAll(variable, (...match) => {
    const { braced, special, name } = match.at(-1) as { braced?: string; special?: string; name?: string };
    const key = braced ?? special ?? name ?? '';
    return key === '$' ? '$' : (environment.get(key) ?? '');
  });
}

/** The source with the build environment put into the fields in which Argo CD does. */
export function substituteSource(
  source: ApplicationSource,
  environment: ReadonlyMap<string, string>,
): ApplicationSource {
  const result = { ...source };
  if (source.kustomize) result.kustomize = substituteKustomize(source.kustomize, environment);
  if (source.helm) result.helm = substituteHelm(source.helm, environment);
  if (source.directory?.jsonnet) result.directory = substituteJsonnet(source.directory, environment);
  return result;
}

/** Whether a field with build environment names the revision, so that every commit makes a new render. */
export function readsRevision(source: ApplicationSource, facts: RenderFacts): boolean {
  if (!source.kustomize && !source.helm && !source.directory?.jsonnet) return false;
  const at = (sha: string) => formatJson(substituteSource(source, buildEnvironment(source, facts, sha)));
  return at('0'.repeat(40)) !== at('1'.repeat(40));
}

function substituteJsonnet(
  directory: NonNullable<ApplicationSource['directory']>,
  environment: ReadonlyMap<string, string>,
): NonNullable<ApplicationSource['directory']> {
  const { jsonnet = {} } = directory;
  const values = (variables: NonNullable<typeof jsonnet.extVars>) =>
    variables.map((variable) => ({ ...variable, value: substitute(variable.value, environment) }));
  return {
    ...directory,
    jsonnet: {
      ...jsonnet,
      ...(jsonnet.extVars ? { extVars: values(jsonnet.extVars) } : {}),
      ...(jsonnet.tlas ? { tlas: values(jsonnet.tlas) } : {}),
    },
  };
}

type Environment = ReadonlyMap<string, string>;
type Kustomize = NonNullable<ApplicationSource['kustomize']>;
type Helm = NonNullable<ApplicationSource['helm']>;

function substituteKustomize(options: Kustomize, environment: Environment): Kustomize {
  const values = (pairs: Record<string, string>) =>
    Object.fromEntries(Object.entries(pairs).map(([key, value]) => [key, substitute(value, environment)]));
  const result = { ...options };
  if (options.images) result.images = options.images.map((image) => substitute(image, environment));
  if (options.commonLabels) result.commonLabels = values(options.commonLabels);
  if (options.commonAnnotations && options.commonAnnotationsEnvsubst)
    result.commonAnnotations = values(options.commonAnnotations);
  return result;
}

function substituteHelm(options: Helm, environment: Environment): Helm {
  const result = { ...options };
  if (options.parameters)
    result.parameters = options.parameters.map((parameter) =>
      parameter.value === undefined ? parameter : { ...parameter, value: substitute(parameter.value, environment) },
    );
  if (options.fileParameters)
    result.fileParameters = options.fileParameters.map((parameter) =>
      parameter.path === undefined || namesAnotherSource(parameter.path, environment)
        ? parameter
        : { ...parameter, path: substitute(parameter.path, environment) },
    );
  if (options.valueFiles)
    result.valueFiles = options.valueFiles.map((file) =>
      namesAnotherSource(file, environment) ? file : substitute(file, environment),
    );
  return result;
}

/** Argo CD: `$ref/path` at the start of a value file or file parameter is a path in another source of the Application. */
function namesAnotherSource(file: string, environment: Environment): boolean {
  const ref = /^\$([\w-]+)\//u.exec(file)?.[1];
  return ref !== undefined && !environment.has(ref);
}
