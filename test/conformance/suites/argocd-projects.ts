import { isDestinationPermitted, type ProjectCluster } from '@wheelhouse/hub/project/destinations';
import { isKindPermitted, type KindInUse } from '@wheelhouse/hub/project/kinds';
import { isNamespacePermitted } from '@wheelhouse/hub/project/namespaces';
import { isSourcePermitted } from '@wheelhouse/hub/project/sources';
import { projectProblems } from '@wheelhouse/hub/project/validate';
import type { AppProject, AppProjectSpec } from '@wheelhouse/shared/resources/app-project';
import { type Case, expectsError, judgeCases, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';

interface ProjectCase extends Case {
  area: string;
  input: KindInUse & {
    spec: AppProjectSpec;
    repoURL: string;
    cluster: ProjectCluster | null;
    namespace: string;
    projectClusters: ProjectCluster[];
    appNamespace: string;
    controllerNamespace: string;
    name: string;
  };
}

const judges: Record<string, (input: ProjectCase['input']) => unknown> = {
  source: ({ spec, repoURL }) => isSourcePermitted(spec, repoURL),
  destination: ({ spec, cluster, namespace, projectClusters }) =>
    cluster !== null && isDestinationPermitted({ spec }, { ...cluster, namespace }, projectClusters),
  resource: ({ spec, ...object }) => isKindPermitted(spec, object),
  appNamespace: ({ spec, appNamespace, controllerNamespace }) =>
    isNamespacePermitted(spec, appNamespace, controllerNamespace),
  validate: ({ spec, name }) => {
    const problems = projectProblems({ metadata: { name } as AppProject['metadata'], spec });
    return problems.length === 0 ? 'valid' : { error: problems.join('; ') };
  },
};

/** What AppProjects permit. */
export const argocdProjects: Suite = {
  name: 'argocd/projects',
  kind: 'file',
  run: (path) =>
    judgeCases<ProjectCase>(path, ({ area, input, expected }) => {
      const judge = judges[area.replace('projects.', '')];
      if (judge === undefined) return `area ${area} is unknown`;
      const actual = judge(input);
      if (!expectsError(expected)) return whyDifferent(actual, expected);
      return expectsError(actual) ? undefined : 'is valid, expected an error';
    }),
};
