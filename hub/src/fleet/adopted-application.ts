import type { Application } from '@wheelhouse/shared/resources/application';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import type { AdoptedApplication } from './records.ts';

/** What is known of an Application that nothing explains, in the shape of one: its source is not known. */
export function adoptedApplication(
  { app, ns, project }: Pick<AdoptedApplication, 'app' | 'ns' | 'project'>,
  cluster: string,
): Application {
  const [namespace, name] = app.includes('_') ? splitOnce(app) : [controlNamespace, app];
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace },
    spec: { project, destination: { name: cluster, ...(ns === '' ? {} : { namespace: ns }) } },
  };
}

function splitOnce(app: string): [namespace: string, name: string] {
  const at = app.indexOf('_');
  return [app.slice(0, at), app.slice(at + 1)];
}
