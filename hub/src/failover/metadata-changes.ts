import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { labelsFor } from '../fleet/app-labels.ts';
import type { FleetCluster } from '../fleet/clusters.ts';
import { assertAnnotations, assertLabels } from '../fleet/metadata.ts';
import type { Labelling, Relabelling } from './dry-run.ts';
import type { LabelChange, Plan } from './plan-record.ts';

interface ChangesDeps {
  findCluster(name: string): FleetCluster | undefined;
}

export type Changes = Required<Pick<Plan, 'labels' | 'annotations'>>;

/** Of annotations, before and after: more make a record that NATS does not take. */
const mostAnnotationBytes = 1_048_576;

/** What would really change. Throws NotFound, Invalid (also when that is nothing), TooLarge. */
export function changesOf(change: Relabelling, deps: ChangesDeps): Changes {
  const found = differences(change, deps);
  if (found.labels.length + found.annotations.length > 0) return found;
  const what = change.annotations ? 'annotation' : 'label';
  throw new FleetError('Invalid', `no ${what} would change: every cluster has these ${what}s`);
}

/** As `changesOf`, and it may be nothing. */
export function differences({ labels, annotations, apps }: Relabelling, { findCluster }: ChangesDeps): Changes {
  const differing = (of: Labelling | undefined, read: (cluster: FleetCluster) => Readonly<Record<string, string>>) =>
    [...(of ?? [])].flatMap(([name, changes]) => {
      const cluster = findCluster(name);
      if (!cluster || cluster.state === 'Expected')
        throw new FleetError('NotFound', `there is no enrolled cluster ${name}`);
      const present = read(cluster);
      return Object.entries(changes)
        .map(([key, after]): LabelChange => ({ cluster: name, key, before: present[key] ?? null, after }))
        .filter(({ before, after }) => before !== after);
    });
  for (const [name, changes] of labels) assertLabels(name, changes);
  for (const [name, changes] of annotations ?? []) assertAnnotations(name, changes);
  const found = {
    labels: differing(labels, (cluster) => labelsFor(cluster, apps)),
    annotations: differing(annotations, (cluster) => cluster.annotations),
  };
  assertSize(found.annotations);
  return found;
}

function assertSize(annotations: readonly LabelChange[]): void {
  const bytes = annotations.reduce((sum, { before, after }) => sum + (before ?? '').length + (after ?? '').length, 0);
  if (bytes > mostAnnotationBytes)
    throw new FleetError(
      'TooLarge',
      `annotations of ${bytes} bytes would change, and a plan takes ${mostAnnotationBytes}: change fewer clusters at a time`,
    );
}
