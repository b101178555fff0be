import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { locationOf } from '../source/location.ts';
import { buildEnvironment, type RenderFacts, readsRevision, substituteSource } from './build-environment.ts';
import { planDirectory } from './directory.ts';
import { discoverSourceType, openSourceFolder, type SourceType } from './discover.ts';
import { planHelm } from './helm.ts';
import { planKustomize, type ToolDeps } from './kustomize.ts';
import type { RenderPlan } from './plan.ts';
import type { PluginFinder } from './plugins/discover-plugin.ts';
import type { Plugins } from './plugins/load-plugins.ts';
import { planPlugin } from './plugins/plan-plugin.ts';
import type { PluginRunDeps } from './plugins/run-plugin.ts';
import type { References } from './references.ts';
import { hashOf, type OpenSource, optionsRead, type RenderPart, type RenderRequest } from './request.ts';
import type { RenderSettings } from './settings.ts';

/** Absolute paths of the executables, and their versions, as `5.8.1`. */
export interface RenderTools {
  kustomize: string;
  helm: string;
  /** Only where Jsonnet can be evaluated. */
  jsonnet?: string;
  versions: { kustomize: string; helm: string; jsonnet?: string };
  /** Absent where the hub was given no folder of plugins. */
  plugins?: Plugins;
}

/** What each kind of source is rendered by: a record made by another is not valid any more. */
export function toolVersions(tools: RenderTools, settings: RenderSettings): Record<PlainType, string> {
  // another plugin may take what no tool is named for
  const { discovery = '' } = tools.plugins ?? {};
  const taken = discovery === '' ? [] : ['plugins', discovery];
  return {
    Directory: ['directory 1', ...(tools.versions.jsonnet ? ['jsonnet', tools.versions.jsonnet] : []), ...taken].join(
      ' ',
    ),
    Kustomize: ['kustomize', tools.versions.kustomize, ...settings.kustomizeBuildOptions, ...taken].join(' '),
    Helm: ['helm', tools.versions.helm, ...taken].join(' '),
  };
}

type PlainType = Exclude<SourceType, 'Plugin'>;

/** Whether what made this part would be taken today. */
export function isMadeByCurrent(part: RenderPart, tools: RenderTools, settings: RenderSettings): boolean {
  const { sourceType, toolVersion } = part;
  if (sourceType !== 'Plugin') return toolVersion === toolVersions(tools, settings)[sourceType];
  return tools.plugins?.list.some(({ version }) => version === toolVersion) ?? false;
}

export interface PlannedSource {
  /** As the Application has it. */
  given: ApplicationSource;
  /** What a survey says that it is, without what files override for this Application alone. */
  discovered: SourceType;
  /** Files in Git override its fields. */
  overridden: boolean;
  plan: RenderPlan;
  part: RenderPart;
  /** Equal keys, equal manifests. */
  key: string;
}

export interface SourceRequest extends OpenSource, Pick<RenderRequest, 'facts' | 'open'> {
  references: References;
}

export interface PlanDeps extends ToolDeps {
  tools: RenderTools;
  settings: RenderSettings;
  plugins: PluginRunDeps & { finder: PluginFinder };
}

/** Finds the tool and everything that one source's manifests are made of. */
export async function planSource(deps: PlanDeps, request: SourceRequest, signal: AbortSignal): Promise<PlannedSource> {
  const { source: given, snapshot, facts } = request;
  const how = { findPlugin: deps.plugins.finder.discover, signal };
  const folder = await openSourceFolder(given, snapshot, { ...how, overriddenBy: facts.overriddenBy });
  const { source } = folder;
  const plan = await planByType(deps, { ...request, source, folder, signal });
  const revision = isRevisionRead(plan, source, facts) ? snapshot.sha : undefined;
  const { sourceType, toolVersion, inputs } = plan;
  const key = hashOf({ ...optionsRead(source, facts, sourceType), toolVersion, inputs, revision });
  const pinned = revision === undefined ? {} : { revision };
  const discovered =
    facts.overriddenBy === undefined && given === source
      ? folder.type
      : await discoverSourceType(withoutTools(given), snapshot, how);
  const overridden = source !== given;
  return {
    given,
    discovered,
    overridden,
    plan,
    key,
    part: { location: locationOf(given), sourceType, toolVersion, inputs, ...pinned },
  };
}

/** A plugin is told it; what `manifest-generate-paths` names then says when it is to be told of another. */
function isRevisionRead({ sourceType }: RenderPlan, source: ApplicationSource, facts: RenderFacts): boolean {
  return sourceType === 'Plugin' ? facts.generatePaths === undefined : readsRevision(source, facts);
}

function withoutTools({ repoURL, path, chart }: ApplicationSource): ApplicationSource {
  return { repoURL, ...(path === undefined ? {} : { path }), ...(chart === undefined ? {} : { chart }) };
}

async function planByType(
  deps: PlanDeps,
  request: SourceRequest & { folder: { path: string; oid: string; type: SourceType }; signal: AbortSignal },
): Promise<RenderPlan> {
  const { folder, facts, snapshot } = request;
  const { tools, settings } = deps;
  if (folder.type === 'Plugin') return await planPlugin(deps.plugins, { ...request, ...folder });
  const toolVersion = toolVersions(tools, settings)[folder.type];
  const source = substituteSource(request.source, buildEnvironment(request.source, facts, snapshot.sha));
  if (folder.type === 'Directory')
    return await planDirectory(deps, { ...request, source, toolVersion, jsonnet: tools.jsonnet });
  const tool = { ...request, source, folder: folder.path, toolVersion, settings, helm: tools.helm };
  if (folder.type === 'Kustomize')
    return await planKustomize(deps, {
      ...tool,
      tool: { command: tools.kustomize, version: tools.versions.kustomize },
    });
  return await planHelm(deps, { ...tool, tool: { command: tools.helm, version: tools.versions.helm } });
}
