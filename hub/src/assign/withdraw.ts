import type { Application } from '@wheelhouse/shared/resources/application';
import type { Withdrawal } from '../store/additions.ts';
import { idOf } from './applications.ts';
import { type Destinations, findDestination } from './destination.ts';

/** Argo CD: without one of these finalizers, deleting an Application leaves its resources running. */
const cascading = [
  'resources-finalizer.argocd.argoproj.io',
  'resources-finalizer.argocd.argoproj.io/foreground',
  'resources-finalizer.argocd.argoproj.io/background',
];

export function cascades(application: Application): boolean {
  return (application.metadata.finalizers ?? []).some((finalizer) => cascading.includes(finalizer));
}

export interface WithdrawOptions {
  reason: string;
  by: string;
  at: Date;
  destinations: Destinations;
  /** Generation of a cluster's newest document. */
  generation(cluster: string): number;
  /** Whether a cluster is known by a Secret only: its agent has not enrolled. */
  isAnnounced?: ((cluster: string) => boolean) | undefined;
  /** `namespace/name` of the set that generates an Application. */
  applicationSetOf?: ((app: string) => string | undefined) | undefined;
  /** Overrides what the Application's finalizers say. */
  cascade?: boolean;
}

/** What must be recorded before these Applications may disappear: one withdrawal each, for the cluster they are on. */
export function withdrawalsOf(applications: readonly Application[], options: WithdrawOptions): Withdrawal[] {
  return applications.flatMap((application) => {
    const { cluster } = findDestination(application, options.destinations);
    // a cluster that nobody enrolled never had it, and could not confirm that it is gone
    if (cluster === undefined || options.isAnnounced?.(cluster)) return [];
    const app = idOf(application);
    const applicationSet = options.applicationSetOf?.(app);
    return {
      app,
      cluster,
      reason: options.reason,
      cascade: options.cascade ?? cascades(application),
      by: options.by,
      at: options.at.toISOString(),
      after: options.generation(cluster),
      application,
      ...(applicationSet === undefined ? {} : { applicationSet }),
    };
  });
}
