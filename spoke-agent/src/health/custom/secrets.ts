import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import { type Checks, check, condition, conditionsOf, otherwise, ready, textOf, valueAt } from './rules.ts';

const certificate = check(
  condition('Issuing', { True: 'Progressing' }),
  condition('Ready', { True: 'Healthy', False: 'Degraded' }),
  otherwise('Progressing', 'Waiting for certificate'),
);

const clusterExternalSecret = check(
  condition('Ready', { True: 'Healthy' }),
  condition(['NotReady', 'PartiallyReady'], { True: 'Degraded' }),
  otherwise('Progressing', 'Waiting for ClusterExternalSecret'),
);

/** Its operator adds what is new at the end of the list, and takes nothing out. */
function withLastCondition(object: KubeObject): KubeObject {
  return { ...object, status: { conditions: conditionsOf(object).slice(-1) } };
}

/** cert-manager, external-secrets, and what else brings Secrets. */
export const secretChecks: Checks = {
  'cert-manager.io/Certificate': certificate,
  'certmanager.k8s.io/Certificate': ready('Waiting for certificate'),
  'cert-manager.io/Issuer': ready('Initializing issuer'),
  'cert-manager.io/ClusterIssuer': ready('Initializing issuer'),
  'certmanager.k8s.io/Issuer': ready('Initializing issuer'),
  'cert-manager.io/CertificateRequest': check(
    condition(['Denied', 'InvalidRequest'], { True: 'Degraded' }),
    condition('Ready', { True: 'Healthy' }),
    condition('Ready', { False: 'Progressing', Unknown: 'Progressing' }, { reasons: ['Pending'] }),
    condition('Ready', { False: 'Degraded', Unknown: 'Degraded' }),
    otherwise('Progressing', 'Waiting for certificate request'),
  ),
  'external-secrets.io/ExternalSecret': check(
    refreshedSince,
    condition('Ready', { True: 'Healthy', False: 'Degraded' }),
    otherwise('Progressing', 'Waiting for ExternalSecret'),
  ),
  'external-secrets.io/ClusterExternalSecret': (object) => clusterExternalSecret(withLastCondition(object)),
  'external-secrets.io/SecretStore': ready('Waiting for SecretStore'),
  'external-secrets.io/ClusterSecretStore': ready('Waiting for ClusterSecretStore'),
  'external-secrets.io/PushSecret': ready('Waiting for PushSecret'),
  'bitnami.com/SealedSecret': ready('Waiting for Sealed Secret to be decrypted', 'Synced'),
  'onepassword.com/OnePasswordItem': ready('Waiting for controller to report status'),
};

/** One that is refreshed on changes only: what Ready says of the time before the last refresh is over. */
function refreshedSince(object: KubeObject): Health | undefined {
  if (valueAt(object, ['spec', 'refreshPolicy']) !== 'OnChange') return undefined;
  const ready = conditionsOf(object).find(({ type }) => type === 'Ready');
  const isOver = (ready?.lastTransitionTime ?? '') < textOf(valueAt(object, ['status', 'refreshTime']));
  return isOver ? { status: 'Progressing', message: 'Waiting for ExternalSecret' } : undefined;
}
