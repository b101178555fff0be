import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { type Health, healthOf } from '@wheelhouse/spoke-agent/health/health';
import { type Case, judgeCases, whyDifferent } from '../cases.ts';
import type { Suite } from '../suite.ts';

interface HealthCase extends Case {
  object: KubeObject;
  expected: Health | null;
}

/** Health of Kubernetes' own kinds. The message counts where the case has one. */
export const healthCoreCases: Suite = {
  name: 'health/core-cases',
  kind: 'file',
  run: (path) =>
    judgeCases<HealthCase>(path, ({ object, expected }) => {
      const { status, message } = healthOf(object) ?? {};
      const withMessage = expected !== null && 'message' in expected;
      return whyDifferent(
        status === undefined ? null : withMessage ? { status, message: message ?? '' } : { status },
        expected,
      );
    }),
};
