import type { PullRequestGenerator, ScmProviderGenerator } from '@wheelhouse/shared/resources/generator';
import type { AppLabels } from '../../fleet/app-labels.ts';
import type { HostPullRequest, RepositoryHost } from '../../hosts/host.ts';
import type { Snapshot } from '../../source/source.ts';
import type { Memo } from '../memo.ts';
import type { TemplateCompiler } from '../template/template.ts';
import type { DecisionResource } from './cluster-decision.ts';

/** A cluster as the `clusters` generator sees it. */
export interface GeneratorCluster {
  name: string;
  /** The URL that the cluster enrolled under. */
  server: string;
  /** The project that the cluster is scoped to. */
  project?: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** Labels that only some Applications see. */
  appLabels?: readonly AppLabels[];
}

/** The files that generators read, at the commit that a revision means now. Errors are FleetErrors of the source. */
export interface GitReader {
  snapshot(repoURL: string, revision: string, signal: AbortSignal): Promise<Snapshot>;
}

/** What an evaluation depends on: it has to run again when one of these changes. */
export interface Reads {
  repositories: { repoURL: string; revision: string }[];
  clusters: boolean;
  /** ConfigMaps, Secrets and decisions on the hub, as `Kind/namespace/name`; `*` for the name stands for all of a kind. */
  settings: string[];
}

/** Code hosts, for the ApplicationSet that is evaluated. */
export interface HostReader {
  repositories(generator: ScmProviderGenerator): RepositoryHost;
  /** Throws NotFound when there is no such repository. */
  pullRequests(generator: PullRequestGenerator): Promise<HostPullRequest[]>;
  /** What was listed for this query, unless it is older than the interval or something asked for a new look. */
  listing<T>(query: object, intervalSeconds: number, list: () => Promise<T>): Promise<T>;
}

/** What is kept on the hub in the ApplicationSet's namespace. */
export interface SettingsReader {
  /** Entries of a ConfigMap. Throws NotFound that says how to bring it. */
  configMap(name: string): Record<string, string>;
  /** Objects of a kind whose status lists clusters; `kind` may be the plural of the resource, as in Argo CD. */
  decisions(apiVersion: string, kind: string): DecisionResource[];
  /** Asks the service that a ConfigMap names. */
  plugin(configMap: string, parameters: object): Promise<object[]>;
}

export interface GeneratorContext extends SettingsReader {
  readonly compiler: TemplateCompiler;
  /** As `compiler`, but a missing key is an error. Argo CD: how `values` of a later generator are told apart. */
  readonly strictCompiler: TemplateCompiler;
  readonly clusters: readonly GeneratorCluster[];
  /** One commit a repository and revision for the whole evaluation. */
  snapshot(repoURL: string, revision: string): Promise<Snapshot>;
  readonly hosts: HostReader;
  readonly memo: Memo;
  readonly reads: Reads;
  readonly warnings: string[];
  readonly signal: AbortSignal;
  /** Argo CD: the setting `applicationsetcontroller.enable.new.git.file.globbing`. */
  readonly newGitFileGlobbing: boolean;
}
