import { z } from 'zod';
import { anyObject, flag, intOrText, text, textMap, texts } from './fields.ts';

const helm = z.strictObject({
  apiVersions: texts,
  fileParameters: z.array(z.strictObject({ name: text, path: text })).exactOptional(),
  ignoreMissingValueFiles: flag,
  kubeVersion: text,
  namespace: text,
  parameters: z.array(z.strictObject({ name: text, value: text, forceString: flag })).exactOptional(),
  passCredentials: flag,
  releaseName: text,
  skipCrds: flag,
  skipSchemaValidation: flag,
  skipTests: flag,
  valueFiles: texts,
  values: text,
  valuesObject: anyObject.exactOptional(),
  version: text,
});

const patchTarget = z.strictObject({
  group: text,
  version: text,
  kind: text,
  name: text,
  namespace: text,
  annotationSelector: text,
  labelSelector: text,
});

const kustomize = z.strictObject({
  apiVersions: texts,
  commonAnnotations: textMap,
  commonAnnotationsEnvsubst: flag,
  commonLabels: textMap,
  components: texts,
  forceCommonAnnotations: flag,
  forceCommonLabels: flag,
  ignoreMissingComponents: flag,
  images: texts,
  kubeVersion: text,
  labelIncludeTemplates: flag,
  labelWithoutSelector: flag,
  namePrefix: text,
  nameSuffix: text,
  namespace: text,
  patches: z
    .array(
      z.strictObject({
        options: z.record(z.string(), z.boolean()).exactOptional(),
        patch: text,
        path: text,
        target: patchTarget.exactOptional(),
      }),
    )
    .exactOptional(),
  replicas: z.array(z.strictObject({ name: z.string(), count: intOrText })).exactOptional(),
  version: text,
});

const jsonnetVariable = z.strictObject({ name: z.string(), value: z.string(), code: flag });

const directory = z.strictObject({
  disableExtensionFilter: flag,
  exclude: text,
  include: text,
  jsonnet: z
    .strictObject({
      extVars: z.array(jsonnetVariable).exactOptional(),
      libs: texts,
      tlas: z.array(jsonnetVariable).exactOptional(),
    })
    .exactOptional(),
  recurse: flag,
});

const plugin = z.strictObject({
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })).exactOptional(),
  name: text,
  parameters: z.array(z.strictObject({ name: text, string: text, array: texts, map: textMap })).exactOptional(),
});

const tools = {
  directory: (directory as z.ZodType<DirectorySource>).exactOptional(),
  helm: (helm as z.ZodType<HelmSource>).exactOptional(),
  kustomize: (kustomize as z.ZodType<KustomizeSource>).exactOptional(),
  plugin: (plugin as z.ZodType<PluginSource>).exactOptional(),
};

const sourceFields = {
  ...tools,
  chart: text,
  name: text,
  path: text,
  ref: text,
  tagPrefix: text,
  targetRevision: text,
};

const source = z.strictObject({ ...sourceFields, repoURL: z.string() });
const sourceTemplate = z.strictObject({ ...sourceFields, repoURL: text });
const hydrator = z.strictObject({
  drySource: z.strictObject({
    ...tools,
    repoURL: z.string(),
    targetRevision: z.string(),
    path: z.string(),
  }),
  syncSource: z.strictObject({ targetBranch: z.string(), path: z.string(), repoURL: text }),
  hydrateTo: z.strictObject({ targetBranch: z.string() }).exactOptional(),
});

/** Where manifests come from: at most one of the tools; none means Argo CD's discovery by file name. */
export interface ApplicationSource extends z.infer<typeof source> {}
/** A source inside an ApplicationSet's template: what it lacks may come from another template. */
export interface ApplicationSourceTemplate extends z.infer<typeof sourceTemplate> {}
export interface SourceHydrator extends z.infer<typeof hydrator> {}
export interface HelmSource extends z.infer<typeof helm> {}
export interface KustomizeSource extends z.infer<typeof kustomize> {}
export interface DirectorySource extends z.infer<typeof directory> {}
export interface PluginSource extends z.infer<typeof plugin> {}

// Annotated, because the compiler cannot write out the inferred types of what is built from these.
export const applicationSource: z.ZodType<ApplicationSource> = source;
export const applicationSourceTemplate: z.ZodType<ApplicationSourceTemplate> = sourceTemplate;
export const sourceHydrator: z.ZodType<SourceHydrator> = hydrator;
