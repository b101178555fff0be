/**
 * Project: what an AppProject permits. Inputs: the project, an Application or an object of it, and the clusters. Every
 * refusal is a reason that names the project, what it refuses and what to change. Must never: look at anything but its
 * arguments, or permit what it does not understand.
 */
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import { drySourceOf, sourcesOf } from '@wheelhouse/shared/resources/application-sources';
import { isDestinationPermitted, type ProjectCluster } from './destinations.ts';
import { isKindPermitted, type KindInUse } from './kinds.ts';
import { isNamespacePermitted } from './namespaces.ts';
import { isSourcePermitted } from './sources.ts';

export type { ProjectCluster } from './destinations.ts';
export type { KindInUse } from './kinds.ts';
export { assertProject, projectProblems } from './validate.ts';

/** Why something is not permitted, as a sentence for people. */
export interface Reason {
  message: string;
}

/** Argo CD: the project that exists without being written: any source, any destination, any kind. */
export const defaultProject: AppProject = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AppProject',
  metadata: { name: 'default', namespace: 'argocd' },
  spec: {
    sourceRepos: ['*'],
    destinations: [{ server: '*', namespace: '*' }],
    clusterResourceWhitelist: [{ group: '*', kind: '*' }],
  },
};

interface Subject {
  project: AppProject;
  application: Application;
  /** The clusters of the inventory; a destination that names none of them is judged by what it says itself. */
  clusters: readonly ProjectCluster[];
}

/** Why an Application's sources or destination are not permitted, or nothing. Kinds are judged after rendering. */
export function whyNotPermitted({ project, application, clusters }: Subject): Reason | undefined {
  const where = `application ${application.metadata.namespace}/${application.metadata.name}`;
  const name = project.metadata.name;
  const source = repositoriesOf(application).find((repoURL) => !isSourcePermitted(project.spec, repoURL));
  if (source !== undefined)
    return {
      message: `${where}: repository ${source} is not permitted in project ${name}: add it to spec.sourceRepos of the project`,
    };
  const destination = resolve(application, clusters);
  const scoped = clusters.filter((cluster) => cluster.project === name);
  if (isDestinationPermitted(project, destination, scoped)) return undefined;
  const target = destination.name || destination.server;
  return {
    message: `${where}: namespace "${destination.namespace}" of cluster "${target}" is not permitted in project ${name}: add it to spec.destinations of the project`,
  };
}

/** Why a project does not take Applications of a namespace other than the control namespace, or nothing. */
export function whyNamespaceNotPermitted(
  project: AppProject,
  namespace: string,
  controlNamespace: string,
): Reason | undefined {
  if (isNamespacePermitted(project.spec, namespace, controlNamespace)) return undefined;
  return {
    message: `applications of namespace ${namespace} are not permitted in project ${project.metadata.name}: add it to spec.sourceNamespaces of the project`,
  };
}

/** Why an object of a kind may not be applied, or nothing. */
export function whyKindNotPermitted(project: AppProject, object: KindInUse): Reason | undefined {
  if (isKindPermitted(project.spec, object)) return undefined;
  const kind = object.group === '' ? object.kind : `${object.group}/${object.kind}`;
  const list = object.namespaced ? 'spec.namespaceResourceWhitelist' : 'spec.clusterResourceWhitelist';
  const lists = `${list} and ${list.replace('Whitelist', 'Blacklist')}`;
  return { message: `${kind} ${object.name} is not permitted in project ${project.metadata.name}: see ${lists}` };
}

function repositoriesOf({ spec }: Application): string[] {
  const dry = spec.sourceHydrator ? [drySourceOf(spec.sourceHydrator)] : [];
  return [...dry, ...sourcesOf(spec)].map(({ repoURL }) => repoURL);
}

const localServer = 'https://kubernetes.default.svc';

/** The destination with both of its names, as far as the inventory knows them. */
function resolve({ spec }: Application, clusters: readonly ProjectCluster[]) {
  const { name = '', server = '', namespace = '' } = spec.destination;
  const isNamed = (cluster: ProjectCluster) => cluster.name === name || cluster.formerNames?.includes(name);
  const known = clusters.find((cluster) => (server === '' ? isNamed(cluster) : cluster.server === server));
  if (known !== undefined) return { name: known.name, server: known.server, namespace };
  const isLocal = server === localServer || (server === '' && name === 'in-cluster');
  return isLocal ? { name: 'in-cluster', server: localServer, namespace } : { name, server, namespace };
}
