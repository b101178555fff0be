import type { Suite } from './suite.ts';
import { argocdDiff } from './suites/argocd-diff.ts';
import { argocdGenerators } from './suites/argocd-generators.ts';
import { argocdHelmArgs } from './suites/argocd-helm-args.ts';
import { argocdKustomizeArgs } from './suites/argocd-kustomize-args.ts';
import { argocdOrdering } from './suites/argocd-ordering.ts';
import { argocdPaths } from './suites/argocd-paths.ts';
import { argocdProjects } from './suites/argocd-projects.ts';
import { argocdRetry } from './suites/argocd-retry.ts';
import { argocdSyncwindows } from './suites/argocd-syncwindows.ts';
import { argocdTemplating } from './suites/argocd-templating.ts';
import { argocdWebhooks } from './suites/argocd-webhooks.ts';
import { healthCoreCases } from './suites/health-core-cases.ts';
import { healthCrdCases } from './suites/health-crd-cases.ts';
import { seed } from './suites/seed.ts';
import { kubernetesYaml } from './suites/yaml-kubernetes-yaml.ts';

/** Every suite whose subject is built. A new one is a file in `suites/` and a line here. */
export const registry: readonly Suite[] = [
  argocdDiff,
  argocdGenerators,
  argocdPaths,
  argocdHelmArgs,
  argocdKustomizeArgs,
  argocdOrdering,
  argocdProjects,
  argocdRetry,
  argocdSyncwindows,
  argocdTemplating,
  argocdWebhooks,
  healthCoreCases,
  healthCrdCases,
  seed,
  kubernetesYaml,
];
