import { z } from 'zod';
import { applicationSpecTemplate } from './application.ts';
import { anyObject, anyValue, flag, integer, labelSelector, text, textMap, texts } from './fields.ts';
import { pullRequestFilter, pullRequestProviders, scmProviderFilter, scmProviders } from './scm-provider.ts';

const templateMeta = z.strictObject({
  name: text,
  namespace: text,
  labels: textMap,
  annotations: textMap,
  finalizers: texts,
});

const setTemplate = z.strictObject({ metadata: templateMeta, spec: applicationSpecTemplate });

const ownTemplate = z.strictObject({
  metadata: templateMeta.exactOptional(),
  spec: applicationSpecTemplate.exactOptional(),
});

/** What every Application of a set is made from; each string may hold template expressions. */
export interface ApplicationSetTemplate extends z.infer<typeof setTemplate> {}
/** A generator's own template: merged over the set's. */
export interface GeneratorTemplate extends z.infer<typeof ownTemplate> {}
export const applicationSetTemplate: z.ZodType<ApplicationSetTemplate> = setTemplate;
const generatorTemplate: z.ZodType<GeneratorTemplate> = ownTemplate;

const template = generatorTemplate.exactOptional();
const values = textMap;
const pathItems = z.array(z.strictObject({ path: z.string(), exclude: flag })).exactOptional();

const list = z.strictObject({ elements: z.array(anyValue).exactOptional(), elementsYaml: text, template });

const clusters = z.strictObject({ selector: labelSelector.exactOptional(), template, values, flatList: flag });

const filesInRepository = {
  repoURL: z.string(),
  directories: pathItems,
  files: pathItems,
  pathParamPrefix: text,
  requeueAfterSeconds: integer,
  template,
  values,
};
const git = z.strictObject({ ...filesInRepository, revision: z.string() });
const oci = z.strictObject({ ...filesInRepository, revision: z.string() });

const scmProvider = z.strictObject({
  ...scmProviders,
  filters: z.array(scmProviderFilter).exactOptional(),
  cloneProtocol: text,
  requeueAfterSeconds: integer,
  template,
  values,
});

const pullRequest = z.strictObject({
  ...pullRequestProviders,
  filters: z.array(pullRequestFilter).exactOptional(),
  requeueAfterSeconds: integer,
  continueOnRepoNotFoundError: flag,
  template,
  values,
});

const clusterDecisionResource = z.strictObject({
  configMapRef: z.string(),
  name: text,
  labelSelector: labelSelector.exactOptional(),
  requeueAfterSeconds: integer,
  template,
  values,
});

const plugin = z.strictObject({
  configMapRef: z.strictObject({ name: z.string() }),
  input: z.strictObject({ parameters: anyObject.exactOptional() }).exactOptional(),
  requeueAfterSeconds: integer,
  template,
  values,
});

export interface ListGenerator extends z.infer<typeof list> {}
export interface ClusterGenerator extends z.infer<typeof clusters> {}
export interface GitGenerator extends z.infer<typeof git> {}
export interface OciGenerator extends z.infer<typeof oci> {}
export interface ScmProviderGenerator extends z.infer<typeof scmProvider> {}
export interface PullRequestGenerator extends z.infer<typeof pullRequest> {}
export interface ClusterDecisionResourceGenerator extends z.infer<typeof clusterDecisionResource> {}
export interface PluginGenerator extends z.infer<typeof plugin> {}

const leaves = {
  list: (list as z.ZodType<ListGenerator>).exactOptional(),
  clusters: (clusters as z.ZodType<ClusterGenerator>).exactOptional(),
  git: (git as z.ZodType<GitGenerator>).exactOptional(),
  oci: (oci as z.ZodType<OciGenerator>).exactOptional(),
  scmProvider: (scmProvider as z.ZodType<ScmProviderGenerator>).exactOptional(),
  pullRequest: (pullRequest as z.ZodType<PullRequestGenerator>).exactOptional(),
  clusterDecisionResource: (clusterDecisionResource as z.ZodType<ClusterDecisionResourceGenerator>).exactOptional(),
  plugin: (plugin as z.ZodType<PluginGenerator>).exactOptional(),
  selector: labelSelector.exactOptional(),
};

// Argo CD: matrix and merge nest two levels deep, and only the outer one has a template.

const innermost = z.strictObject(leaves);

const nestedFields = z.strictObject({
  ...leaves,
  matrix: z.strictObject({ generators: z.array(innermost) }).exactOptional(),
  merge: z.strictObject({ generators: z.array(innermost), mergeKeys: z.array(z.string()) }).exactOptional(),
});

/** A generator inside a matrix or a merge; every one of them is a `Generator` too. */
export interface NestedGenerator extends z.infer<typeof nestedFields> {}
const nested: z.ZodType<NestedGenerator> = nestedFields;

const matrix = z.strictObject({ generators: z.array(nested), template });
const merge = z.strictObject({ generators: z.array(nested), mergeKeys: z.array(z.string()), template });
export interface MatrixGenerator extends z.infer<typeof matrix> {}
export interface MergeGenerator extends z.infer<typeof merge> {}

const anyGenerator = z.strictObject({
  ...leaves,
  matrix: (matrix as z.ZodType<MatrixGenerator>).exactOptional(),
  merge: (merge as z.ZodType<MergeGenerator>).exactOptional(),
});

/** One element of `spec.generators`: one of the generators, and perhaps a selector over what it yields. */
export interface Generator extends z.infer<typeof anyGenerator> {}
export const generator: z.ZodType<Generator> = anyGenerator;
