/**
 * Generate: makes the Applications of one ApplicationSet. Inputs: the set, the clusters of the inventory, and Git
 * snapshots. The result says everything that was generated, what could not be, and what it depends on; it decides
 * nothing. A failed generator yields `failed` and no Applications, so that its absence is never read as a removal.
 * Must never: write or delete anything, keep anything between two calls, or reach the network but through the reader.
 */
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import type { Snapshot } from '../source/source.ts';
import { whyNoOrder } from './deletion-order.ts';
import { distinguish } from './distinct-names.ts';
import { evaluate, type ItemError, type Outcome } from './evaluate.ts';
import type { GeneratorCluster, GeneratorContext, GitReader, Reads } from './generators/context.ts';
import { addLayers, layersOf } from './layers.ts';
import { createMemo, type Memo } from './memo.ts';
import type { OpenOutside, Outside } from './outside.ts';
import { createTemplateCompiler, type TemplateCompiler } from './template/template.ts';

export type { GeneratorCluster, GitReader } from './generators/context.ts';

export interface GenerateInput {
  applicationSet: ApplicationSet;
  clusters: readonly GeneratorCluster[];
  git: GitReader;
  /** Code hosts, plugins and settings; without them generators that need any fail. */
  outside?: OpenOutside | undefined;
  signal: AbortSignal;
  /** What the evaluation before left; without one everything is made anew. */
  memo?: Memo;
  /** Argo CD's setting of that name: git file patterns cross directories only with `**`. Off by default. */
  newGitFileGlobbing?: boolean;
}

export interface Evaluation {
  /** Valid, each name once, in the order of the generators. Parts may be shared between them and frozen. */
  applications: Application[];
  /**
   * Applications that could not be generated. One with a name must stay as it is; one without (the name itself could not
   * be rendered) can be any, so nothing of the set may be removed.
   */
  errors: ItemError[];
  /** A generator failed: nothing may change. */
  failed?: FleetError;
  /** What the outcome depends on; complete only when nothing failed. */
  reads: Reads;
  warnings: string[];
}

/**
 * Evaluates an ApplicationSet. Throws only when aborted; every other failure is part of the result. Applications that see other
 * labels of clusters are as an evaluation with those gives them.
 */
export async function generate({ memo = createMemo(), ...input }: GenerateInput): Promise<Evaluation> {
  const base = await generateOnce({ ...input, memo });
  const layers = layersOf(input.applicationSet, input.clusters);
  if (layers.length === 0 || base.failed || !base.reads.clusters) return base;
  return await addLayers(
    base,
    layers,
    async ({ apps, clusters }) => await generateOnce({ ...input, clusters, memo: memo.layer(apps) }),
  );
}

async function generateOnce(input: GenerateInput & { memo: Memo }): Promise<Evaluation> {
  const { applicationSet, signal, memo } = input;
  signal.throwIfAborted();
  const reads: Reads = { repositories: [], clusters: false, settings: [] };
  const warnings = [whyNoOrder(applicationSet) ?? []].flat();
  try {
    memo.begin();
    const outside = (await input.outside?.(reads)) ?? nothingOutside;
    const outcome = await evaluate(applicationSet, createContext({ ...input, memo }, { reads, warnings, outside }));
    const applications = distinguish(applicationSet, outcome.applications, { warnings, memo });
    return { ...settle(applicationSet, { ...outcome, applications }, memo), reads, warnings: distinct(warnings) };
  } catch (error) {
    signal.throwIfAborted();
    return { applications: [], errors: [], failed: nameSet(error, applicationSet), reads, warnings };
  }
}

/** Where nothing beyond Git and the inventory can be read. */
const nothingOutside: Outside = {
  configMap: refuseOutside,
  decisions: refuseOutside,
  plugin: refuseOutside,
  hosts: { repositories: refuseOutside, pullRequests: refuseOutside, listing: refuseOutside },
};

function refuseOutside(): never {
  throw new FleetError('Unsupported', 'code hosts, plugins and settings of the hub cannot be read here');
}

type State = Pick<GeneratorContext, 'reads' | 'warnings'> & { outside: Outside };

function createContext(input: GenerateInput & { memo: Memo }, { outside, ...state }: State): GeneratorContext {
  const { applicationSet, clusters, git, signal, memo } = input;
  const compilers = createCompilers(applicationSet);
  const snapshots = new Map<string, Promise<Snapshot>>();
  return {
    ...outside,
    ...state,
    ...compilers,
    clusters,
    signal,
    newGitFileGlobbing: input.newGitFileGlobbing ?? false,
    memo,
    snapshot(repoURL, revision) {
      const key = `${repoURL}\n${revision}`;
      const known = snapshots.get(key);
      if (known !== undefined) return known;
      state.reads.repositories.push({ repoURL, revision });
      const opening = git.snapshot(repoURL, revision, signal);
      snapshots.set(key, opening);
      return opening;
    },
  };
}

function createCompilers({ spec }: ApplicationSet): { compiler: TemplateCompiler; strictCompiler: TemplateCompiler } {
  const goTemplate = spec.goTemplate === true;
  try {
    return {
      compiler: createTemplateCompiler({ goTemplate, options: spec.goTemplateOptions ?? [] }),
      strictCompiler: createTemplateCompiler({ goTemplate, options: ['missingkey=error'] }),
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new FleetError('TemplateFailed', `spec.goTemplateOptions: ${message}`, { cause: error });
  }
}

type Settled = Pick<Evaluation, 'applications' | 'errors' | 'failed'>;

function settle(applicationSet: ApplicationSet, { applications, errors, failures }: Outcome, memo: Memo): Settled {
  const [failure] = failures;
  if (failure !== undefined) return { applications: [], errors: [], failed: nameSet(failure, applicationSet) };
  const unusable = memo.list(settle, applications, ({ metadata }) => whyNotUsable(metadata.name));
  const problems = new Map<string, ItemError>();
  for (const problem of unusable) if (problem?.application !== undefined) problems.set(problem.application, problem);
  for (const name of memo.repeatedNames(applications)) problems.set(name, repeated(name, applications, applicationSet));
  if (problems.size === 0) return { applications, errors };
  return {
    applications: applications.filter(({ metadata }) => !problems.has(metadata.name)),
    errors: [...errors, ...problems.values()],
  };
}

// Argo CD takes the first and refuses the rest; which is first is chance, so neither is taken here.
function repeated(name: string, applications: readonly Application[], { metadata }: ApplicationSet): ItemError {
  const count = applications.filter((one) => one.metadata.name === name).length;
  return {
    application: name,
    code: 'DuplicateApplication',
    message: `ApplicationSet ${metadata.name} contains ${count} applications with the same name: ${name}; make the names of spec.template.metadata.name differ`,
  };
}

// Kubernetes: a DNS subdomain.
const nameCharacters = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/;
const brokenLabels = /\.[-.]|-\./;

function whyNotUsable(name: string): ItemError | undefined {
  if (nameCharacters.test(name) && !brokenLabels.test(name) && name.length <= 253) return undefined;
  return {
    application: name,
    code: 'Invalid',
    message: `application ${JSON.stringify(name)}: not a name that Kubernetes allows (lower-case letters, digits, - and .); use normalize or slugify`,
  };
}

function nameSet(error: unknown, { metadata }: ApplicationSet): FleetError {
  const { code, message, retryable, details } = toFleetError(error, 'GeneratorFailed');
  const text = `ApplicationSet ${metadata.namespace}/${metadata.name}: ${message}`;
  return new FleetError(code, text, { cause: error, retryable, details });
}

function distinct(texts: string[]): string[] {
  return [...new Set(texts)];
}
