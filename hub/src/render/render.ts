/**
 * Turns an Application's source at one commit into a bundle: checked manifests as canonical bytes, by their digest.
 * Inputs: the source, a snapshot, and few facts. A render remembers what it read (`RenderRecord`), so that a commit that
 * touches none of it costs a few comparisons, and any number of Applications with one request share one render.
 * It must never reach the network, read outside the repository, run a plugin, let a Secret's data through, or drop
 * anything without an error or a warning.
 */
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { LRUCache } from 'lru-cache';
import type { Snapshot } from '../source/source.ts';
import { buildEnvironment, type RenderFacts, readsRevision, substituteSource } from './build-environment.ts';
import { planDirectory } from './directory.ts';
import { discoverSourceType, openSourceFolder, type SourceType } from './discover.ts';
import { planHelm } from './helm.ts';
import { createInFlight } from './in-flight.ts';
import { inputsHold, type RenderInput } from './inputs.ts';
import { planKustomize, type ToolDeps } from './kustomize.ts';
import { createManifestReader } from './manifest-reader.ts';
import type { RenderPlan } from './plan.ts';
import {
  hashOf,
  optionsRead,
  type Rendered,
  type RenderRecord,
  type RenderRequest,
  renderRequestKey,
} from './request.ts';
import { createToolPool } from './tool-pool.ts';
import { createWorkspaces } from './workspace.ts';

export type { Rendered, RenderFacts, RenderInput, RenderRecord, RenderRequest, SourceType };
export { discoverSourceType, renderRequestKey };

export interface RendererOptions {
  /** Absolute paths of the executables, and their versions, as `5.8.1`. */
  tools: { kustomize: string; helm: string; versions: { kustomize: string; helm: string } };
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
  metrics?: { rendered(event: { sourceType: SourceType; outcome: 'cached' | 'rendered'; durationMs: number }): void };
}

export interface Renderer extends AsyncDisposable {
  /**
   * Throws FleetError: PathNotFound, PathOutsideRepository, Malformed, ManifestInvalid, RawSecretRefused, TooLarge, Unsupported,
   * RenderFailed (the tool's own words), RenderTimeout, ToolMissing, Aborted.
   */
  render(request: RenderRequest, signal: AbortSignal): Promise<Rendered>;
  /** Whether the record's bundle is what a render at this snapshot would give. */
  stillValid(record: RenderRecord, snapshot: Snapshot): Promise<boolean>;
  /** `renderRequestKey` with the tool discovered: Applications share as much as they can. */
  requestKey(request: RenderRequest): Promise<string>;
}

type Bundle = Pick<Rendered, 'digest' | 'manifests' | 'bytes' | 'warnings'>;

const mega = 1024 ** 2;

export function createRenderer(deps: RendererDeps, options: RendererOptions): Renderer {
  const { tools, timeoutMs = 90_000 } = options;
  const workspaces = createWorkspaces(options.directory);
  const reader = createManifestReader({ timeoutMs });
  const { memoryBytes = 512 * mega, outputBytes = 50 * mega, cacheBytes = 64 * mega } = options;
  const pool = createToolPool(deps, { concurrency: options.concurrency, timeoutMs, memoryBytes, outputBytes });
  const bundles = new LRUCache<string, Bundle>({
    maxSize: cacheBytes,
    sizeCalculation: ({ bytes }) => bytes.length + 1024,
  });
  const inFlight = createInFlight<Bundle>();
  const versions: Record<SourceType, string> = {
    Directory: 'directory 1',
    Kustomize: `kustomize ${tools.versions.kustomize}`,
    Helm: `helm ${tools.versions.helm}`,
  };

  async function run(plan: RenderPlan, signal: AbortSignal): Promise<Bundle> {
    const set = await reader.read(await plan.run(signal), signal);
    return {
      digest: set.digest,
      manifests: set.manifests,
      bytes: Buffer.from(`[${set.canonical.join(',')}]`),
      warnings: [...plan.warnings, ...set.warnings],
    };
  }

  return {
    render: async (request, signal) => {
      const startedAt = performance.now();
      const { source, facts, snapshot } = request;
      const plan = await planRender({ pool, workspaces, tools }, request);
      const { sourceType, toolVersion, inputs } = plan;
      const revision = readsRevision(source, facts) ? snapshot.sha : undefined;
      const inputKey = hashOf({ ...optionsRead(source, facts, sourceType), toolVersion, inputs, revision });
      const known = bundles.get(inputKey);
      const bundle = known ?? (await inFlight(inputKey, signal, async (shared) => await run(plan, shared)));
      if (!known) bundles.set(inputKey, bundle);
      deps.metrics?.rendered({
        sourceType,
        outcome: known ? 'cached' : 'rendered',
        durationMs: performance.now() - startedAt,
      });
      const { digest, warnings } = bundle;
      const requestKey = renderRequestKey(source, facts, sourceType);
      const pinned = revision === undefined ? {} : { revision };
      const record = { requestKey, digest, sourceType, toolVersion, inputs, ...pinned, warnings };
      return { ...bundle, record, sourceType, inputs };
    },
    stillValid: async (record, snapshot) =>
      record.toolVersion === versions[record.sourceType] &&
      (record.revision === undefined || record.revision === snapshot.sha) &&
      (await inputsHold(record.inputs, snapshot)),
    requestKey: async ({ source, facts, snapshot }) =>
      renderRequestKey(source, facts, await discoverSourceType(source, snapshot)),
    [Symbol.asyncDispose]: async () => {
      await reader[Symbol.asyncDispose]();
      await workspaces[Symbol.asyncDispose]();
    },
  };
}

async function planRender(
  deps: ToolDeps & Pick<RendererOptions, 'tools'>,
  request: RenderRequest,
): Promise<RenderPlan> {
  const { snapshot, facts, source } = request;
  if (source.ref && !source.path)
    throw new FleetError(
      'Unsupported',
      `source ${source.repoURL} is only a reference (${source.ref}): several sources are not supported yet`,
    );
  const { type, ...folder } = await openSourceFolder(source, snapshot);
  if (type === 'Directory') return await planDirectory(request, folder);
  const resolved = substituteSource(source, buildEnvironment(source, facts, snapshot.sha));
  const tool = { source: resolved, snapshot, folder: folder.path };
  return type === 'Kustomize'
    ? await planKustomize(deps, {
        ...tool,
        tool: { command: deps.tools.kustomize, version: deps.tools.versions.kustomize },
      })
    : await planHelm(deps, { ...tool, tool: { command: deps.tools.helm, version: deps.tools.versions.helm }, facts });
}
