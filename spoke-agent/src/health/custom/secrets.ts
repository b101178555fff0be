import { type Checks, check, condition, otherwise, ready } from './rules.ts';

const certificate = check(
  condition('Issuing', { True: 'Progressing' }),
  condition('Ready', { True: 'Healthy', False: 'Degraded' }),
  otherwise('Progressing', 'Waiting for certificate'),
);

/** cert-manager, external-secrets, and what else brings Secrets. */
export const secretChecks: Checks = {
  'cert-manager.io/Certificate': certificate,
  'certmanager.k8s.io/Certificate': certificate,
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
  'external-secrets.io/ExternalSecret': ready('Waiting for ExternalSecret'),
  'external-secrets.io/ClusterExternalSecret': check(
    condition('Ready', { True: 'Healthy' }),
    condition(['NotReady', 'PartiallyReady'], { True: 'Degraded' }),
    otherwise('Progressing', 'Waiting for ClusterExternalSecret'),
  ),
  'external-secrets.io/SecretStore': ready('Waiting for SecretStore'),
  'external-secrets.io/ClusterSecretStore': ready('Waiting for ClusterSecretStore'),
  'external-secrets.io/PushSecret': ready('Waiting for PushSecret'),
  'bitnami.com/SealedSecret': ready('Waiting for Sealed Secret to be decrypted', 'Synced'),
  'onepassword.com/OnePasswordItem': ready('Waiting for controller to report status'),
};
