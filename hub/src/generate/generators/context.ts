import type { Snapshot } from '../../source/source.ts';
import type { TemplateCompiler } from '../template/template.ts';

/** A cluster as the `clusters` generator sees it. */
export interface GeneratorCluster {
  name: string;
  /** The URL that the cluster enrolled under. */
  server: string;
  /** The project that the cluster is scoped to. */
  project?: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
}

/** The files that generators read, at the commit that a revision means now. Errors are FleetErrors of the source. */
export interface GitReader {
  snapshot(repoURL: string, revision: string, signal: AbortSignal): Promise<Snapshot>;
}

/** What an evaluation depends on: it has to run again when one of these changes. */
export interface Reads {
  repositories: { repoURL: string; revision: string }[];
  clusters: boolean;
}

export interface GeneratorContext {
  readonly compiler: TemplateCompiler;
  /** As `compiler`, but a missing key is an error. Argo CD: how `values` of a later generator are told apart. */
  readonly strictCompiler: TemplateCompiler;
  readonly clusters: readonly GeneratorCluster[];
  /** One commit a repository and revision for the whole evaluation. */
  snapshot(repoURL: string, revision: string): Promise<Snapshot>;
  readonly reads: Reads;
  readonly warnings: string[];
  readonly signal: AbortSignal;
  /** Argo CD: the setting `applicationsetcontroller.enable.new.git.file.globbing`. */
  readonly newGitFileGlobbing: boolean;
}
