import type { Command } from 'commander';
import { collect } from '../option.ts';

export interface FilterOptions {
  project?: string[];
  selector?: string;
  cluster?: string;
  repo?: string;
  namespace?: string;
}

/** The options that choose Applications. */
export function addFilters(command: Command): Command {
  return command
    .option('-p, --project <name>', 'of this project (repeatable)', collect)
    .option('-l, --selector <selector>', 'with these labels, as kubectl')
    .option('-c, --cluster <name>', 'of this cluster')
    .option('-r, --repo <url>', 'of this repository')
    .option('-N, --namespace <name>', 'Applications of this namespace');
}

export function toQuery({ project, selector, cluster, repo, namespace }: FilterOptions) {
  return { projects: project, selector, cluster, repo, appNamespace: namespace };
}
