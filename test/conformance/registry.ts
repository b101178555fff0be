import type { Suite } from './suite.ts';
import { healthCoreCases } from './suites/health-core-cases.ts';
import { seed } from './suites/seed.ts';
import { kubernetesYaml } from './suites/yaml-kubernetes-yaml.ts';

/** Every suite whose subject is built. A new one is a file in `suites/` and a line here. */
export const registry: readonly Suite[] = [healthCoreCases, seed, kubernetesYaml];
