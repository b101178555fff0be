/**
 * Turns an Application's source at one commit into a bundle: checked manifests as canonical bytes, by their digest.
 * Inputs: the source, a snapshot, and few facts. A render remembers what it read (`RenderRecord`), so that a commit that
 * touches none of it costs a few comparisons, and any number of Applications with one request share one render.
 * It must never reach the network, read outside the repository, run a plugin of a repository, let a Secret's data through, or drop
 * anything without an error or a warning.
 */
import { createInFlight } from '@wheelhouse/shared/async/in-flight';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { applicationId } from '@wheelhouse/shared/protocol/document';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { LRUCache } from 'lru-cache';
import type { Snapshot } from '../source/source.ts';
import type { RenderFacts } from './build-environment.ts';
import {
  type Discovery,
  discoverSourceType,
  explicitSourceType,
  isReferenceOnly,
  openSourceFolder,
  type SourceType,
} from './discover.ts';
import { inputHolds, type RenderInput } from './inputs.ts';
import type { ToolDeps } from './kustomize.ts';
import { createManifestReader, type ManifestReader } from './manifest-reader.ts';
import type { ManifestText } from './manifests.ts';
import { isMadeByCurrent, type PlanDeps, type PlannedSource, planSource, type RenderTools } from './plan-source.ts';
import { announceParameters } from './plugins/announce-parameters.ts';
import type { Announcement } from './plugins/announcement.ts';
import { createPluginFinder } from './plugins/discover-plugin.ts';
import { noPlugins } from './plugins/load-plugins.ts';
import { allowanceOf, type RawSecretAllowance } from './raw-secrets.ts';
import { createReferences } from './references.ts';
import {
  hashOf,
  type OpenLocation,
  type OpenSource,
  type Rendered,
  type RenderPart,
  type RenderRecord,
  type RenderRequest,
  renderRequestKey,
} from './request.ts';
import { defaultRenderSettings, type RenderSettings } from './settings.ts';
import { createToolPool } from './tool-pool.ts';
import { createWorkspaces } from './workspace.ts';

export type {
  OpenLocation,
  OpenSource,
  Rendered,
  RenderFacts,
  RenderInput,
  RenderPart,
  RenderRecord,
  RenderRequest,
  RenderSettings,
  SourceType,
};
export { renderRequestKey };

export interface RendererOptions {
  tools: RenderTools;
  /** Children at a time; the number of cores is a good one. */
  concurrency: number;
  /** Of one child, and of one parse. Default 90 s, as Argo CD. */
  timeoutMs?: number;
  /** Of one child. Default 512 MB. */
  memoryBytes?: number;
  /** Of one child's output. Default 50 MB. */
  outputBytes?: number;
  /** Canonical bytes of bundles kept in memory. Default 64 MB. */
  cacheBytes?: number;
  /** Parent of temporary directories. Default tmpfs where there is one. */
  directory?: string;
}

export interface RendererDeps {
  logger: Logger;
  /** Asked at every render; what it says is part of every record. Default: Argo CD's defaults. */
  settings?(): RenderSettings;
  metrics?: { rendered(event: { sourceType: SourceType; outcome: 'cached' | 'rendered'; durationMs: number }): void };
}

export interface Renderer extends AsyncDisposable {
  /**
   * Throws FleetError: PathNotFound, PathOutsideRepository, Malformed, ManifestInvalid, RawSecretRefused, TooLarge, Unsupported,
   * RenderFailed (the tool's own words), RenderTimeout, ToolMissing, Aborted.
   */
  render(request: RenderRequest, signal: AbortSignal): Promise<Rendered>;
  /** Whether the record's bundle is what a render would give, with everything that it read as `open` finds it now. */
  stillValid(record: RenderRecord, open: OpenLocation, signal: AbortSignal): Promise<boolean>;
  /** `renderRequestKey` with the tools discovered: Applications share as much as they can. */
  requestKey(request: Pick<RenderRequest, 'sources' | 'facts'>, signal: AbortSignal): Promise<string>;
  /** The kind of source: what it names, else what is found in its folder. Throws as `discoverSourceType` and PluginFinder. */
  discover(
    source: ApplicationSource,
    snapshot: Snapshot,
    how: Pick<Discovery, 'folder' | 'signal'>,
  ): Promise<SourceType>;
  /** The kind of source, and of a plugin the parameters that it says it has. Throws as `discover` and `announceParameters`. */
  describe(
    described: OpenSource & Pick<RenderRequest, 'facts'>,
    signal: AbortSignal,
  ): Promise<{ type: SourceType; parameters?: Announcement[] }>;
}

type Bundle = Pick<Rendered, 'digest' | 'manifests' | 'bytes' | 'warnings' | 'rawSecrets'>;

const mega = 1024 ** 2;

export function createRenderer(deps: RendererDeps, options: RendererOptions): Renderer {
  const { tools, timeoutMs = 90_000 } = options;
  const workspaces = createWorkspaces(options.directory);
  const reader = createManifestReader({ timeoutMs });
  const { memoryBytes = 512 * mega, outputBytes = 50 * mega, cacheBytes = 64 * mega } = options;
  const tooling = createToolPool(deps, { concurrency: options.concurrency, timeoutMs, memoryBytes, outputBytes });
  const pool = tooling.run;
  const bundles = new LRUCache<string, Bundle>({
    maxSize: cacheBytes,
    sizeCalculation: ({ bytes }) => bytes.length + 1024,
  });
  const inFlight = createInFlight<Bundle>();
  const settings = () => deps.settings?.() ?? defaultRenderSettings;
  const plugins = createPluginRuns({ pool, workspaces }, tools);
  const discover: Renderer['discover'] = async (source, snapshot, how) =>
    await discoverSourceType(source, snapshot, { findPlugin: plugins.finder.discover, ...how });

  return {
    render: async (request, signal) => {
      const startedAt = performance.now();
      const plans = await planSources({ pool, workspaces, plugins, tools, settings: settings() }, request, signal);
      const allowance = allowanceOf(request.facts);
      const inputKey = hashOf([...plans.map(({ key }) => key), ...(allowance ? [allowance] : [])]);
      const known = bundles.get(inputKey);
      const bundle =
        known ??
        (await inFlight(inputKey, signal, async (shared) => await makeBundle({ plans, allowance }, reader, shared)));
      if (!known) bundles.set(inputKey, bundle);
      const sourceTypes = plans.map(({ plan }) => plan.sourceType);
      deps.metrics?.rendered({
        sourceType: sourceTypes[0] ?? 'Directory',
        outcome: known ? 'cached' : 'rendered',
        durationMs: performance.now() - startedAt,
      });
      const parts: RenderPart[] = plans.map(({ part }) => part);
      const record = { requestKey: keyOf(request, plans), digest: bundle.digest, parts, warnings: bundle.warnings };
      return { ...bundle, record, sourceTypes };
    },
    stillValid: async (record, open, signal) => {
      for (const part of record.parts)
        if (!isMadeByCurrent(part, tools, settings()) || !(await partHolds(part, open, signal))) return false;
      return true;
    },
    discover,
    describe: async (described, signal) => await describeSource(plugins, described, signal),
    requestKey: async (request, signal) =>
      await discoverKey(request, async (source, snapshot) => await discover(source, snapshot, { signal })),
    [Symbol.asyncDispose]: async () => {
      await reader[Symbol.asyncDispose]();
      await tooling[Symbol.asyncDispose]();
      await workspaces[Symbol.asyncDispose]();
    },
  };
}

async function describeSource(
  plugins: PlanDeps['plugins'],
  { source: given, snapshot, facts }: Parameters<Renderer['describe']>[0],
  signal: AbortSignal,
): ReturnType<Renderer['describe']> {
  const how = { findPlugin: plugins.finder.discover, overriddenBy: facts.overriddenBy, signal };
  const folder = await openSourceFolder(given, snapshot, how);
  const { type } = folder;
  if (type !== 'Plugin') return { type };
  return { type, parameters: await announceParameters(plugins, { ...folder, snapshot, facts, signal }) };
}

async function planSources(
  deps: Parameters<typeof planSource>[0],
  request: RenderRequest,
  signal: AbortSignal,
): Promise<PlannedSource[]> {
  const giving = request.sources.filter(({ source }) => !isReferenceOnly(source));
  if (giving.length === 0)
    throw new FleetError(
      'Invalid',
      `no source gives manifests: ${request.sources[0]?.source.repoURL} is only a reference; give one of spec.sources a path or a chart`,
    );
  const plans: PlannedSource[] = [];
  // a source collects only what it reads of the others, so that each knows its own inputs
  for (const one of giving)
    plans.push(await planSource(deps, { ...request, ...one, references: createReferences(request.sources) }, signal));
  return plans;
}

async function makeBundle(
  { plans, allowance }: { plans: readonly PlannedSource[]; allowance: RawSecretAllowance | undefined },
  reader: ManifestReader,
  signal: AbortSignal,
): Promise<Bundle> {
  const texts: ManifestText[] = [];
  for (const { plan } of plans) texts.push(...(await plan.run(signal)));
  const set = await reader.read({ texts, allowance }, signal);
  return {
    digest: set.digest,
    manifests: set.manifests,
    bytes: Buffer.from(`[${set.canonical.join(',')}]`),
    warnings: [...plans.flatMap(({ plan }) => plan.warnings), ...set.warnings],
    rawSecrets: set.rawSecrets,
  };
}

async function discoverKey(
  { sources, facts }: Pick<RenderRequest, 'sources' | 'facts'>,
  discover: (source: ApplicationSource, snapshot: Snapshot) => Promise<SourceType>,
): Promise<string> {
  const types = sources.map(async ({ source, snapshot }) =>
    isReferenceOnly(source) ? undefined : await discover(source, snapshot),
  );
  return renderRequestKey(
    sources.map(({ source }) => source),
    facts,
    await Promise.all(types),
  );
}

function createPluginRuns(deps: ToolDeps, tools: RenderTools): PlanDeps['plugins'] {
  const { kustomize, helm, jsonnet, plugins = noPlugins } = tools;
  const programs = { kustomize, helm, ...(jsonnet === undefined ? {} : { jsonnet }) };
  const { pool, workspaces } = deps;
  const running = { pool, workspaces, plugins, programs };
  return { ...running, finder: createPluginFinder(running) };
}

/** The key of the request that this answers: not the one asked for, when a commit changed what lies at the paths. */
function keyOf({ sources, facts }: RenderRequest, plans: readonly PlannedSource[]): string {
  const types = new Map(plans.map(({ given, discovered }) => [given, explicitSourceType(given) ?? discovered]));
  const given = sources.map(({ source }) => source);
  const overriddenBy = plans.some(({ overridden }) => overridden)
    ? { overriddenBy: applicationId(facts.appNamespace, facts.appName) }
    : {};
  return renderRequestKey(
    given,
    { ...facts, ...overriddenBy },
    given.map((source) => types.get(source)),
  );
}

async function partHolds(part: RenderPart, open: OpenLocation, signal: AbortSignal): Promise<boolean> {
  const own = await open(part.location, signal);
  if (part.revision !== undefined && part.revision !== own.sha) return false;
  for (const input of part.inputs)
    if (!(await inputHolds(input, input.from ? await open(input.from, signal) : own))) return false;
  return true;
}
