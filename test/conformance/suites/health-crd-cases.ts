import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { type Health, healthOf } from '@wheelhouse/spoke-agent/health/health';
import { type Case, judgeCases, type Verdict, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';

interface HealthCase extends Case {
  object: KubeObject;
  expected: Health;
}

/** Health of custom resources, messages included. A case may leave out the metadata that every object of a cluster has. */
export const healthCrdCases: Suite = {
  name: 'health/crd-cases',
  kind: 'file',
  run: (path) =>
    judgeCases<HealthCase>(path, ({ object, expected }): Verdict => {
      const { metadata = {} } = object as Partial<KubeObject>;
      const health = healthOf({ ...object, metadata });
      if (!health) return { notBuilt: 'health of kinds that spoke-agent/src/health/custom does not have' };
      const why = whyDifferent(
        { status: health.status, message: health.message ?? '' },
        { status: expected.status, message: expected.message ?? '' },
      );
      if (why && metadata.deletionTimestamp !== undefined && health.message?.startsWith('Pending deletion'))
        return {
          deviates:
            'what is being deleted is Pending deletion whatever its kind says, as in Argo CD outside its tests of scripts',
        };
      return why;
    }),
};
