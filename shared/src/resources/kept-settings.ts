import { FleetError } from '../errors/fleet-error.ts';
import { whyNotClusterName } from '../protocol/cluster-name.ts';
import { lastApplied, parseClusterSecret } from './cluster-secret.ts';
import { type CompareSettings, isCompareSetting, readCompareSettings } from './compare-settings.ts';
import { isForHooks } from './failover-hook.ts';
import {
  type ConfigMap,
  isPartOfArgo,
  type Secret,
  type SecretType,
  secretTypeLabel,
  secretTypeOf,
} from './settings.ts';

const settingsSecrets = ['argocd-secret', 'argocd-notifications-secret'];

const requiredEntry: Record<Exclude<SecretType, 'scm-creds'>, string> = {
  repository: 'url',
  'repo-creds': 'url',
  'repository-write': 'url',
  'repo-write-creds': 'url',
  cluster: 'server',
};

/** Settings that have an effect, by ConfigMap. */
const builtSettings: Record<string, readonly string[] | 'all'> = {
  'argocd-cm': [
    'application.sync.impersonation.enabled',
    'commit.author.email',
    'commit.author.name',
    'globalProjects',
    'helm.valuesFileSchemes',
    'kustomize.buildOptions',
    'sourceHydrator.commitMessageTemplate',
    'sourceHydrator.readmeMessageTemplate',
  ],
  'argocd-tls-certs-cm': 'all',
  'argocd-ssh-known-hosts-cm': 'all',
  'argocd-gpg-keys-cm': 'all',
};

/** Argo CD: its ConfigMaps are known by name (`argocd-…`) or by the label `app.kubernetes.io/part-of: argocd`. */
export function warnOfConfigMap(configMap: ConfigMap): string[] {
  const { name, namespace } = configMap.metadata;
  if (!name.startsWith('argocd-') && !isPartOfArgo(configMap))
    throw new FleetError(
      'Invalid',
      `ConfigMap ${namespace}/${name}: not one of Argo CD's; label it app.kubernetes.io/part-of: argocd, or put it into a repository`,
    );
  const built = builtSettings[name];
  if (built === 'all') return [];
  const compared = name === 'argocd-cm' ? compareSettings(configMap) : undefined;
  const idle = Object.keys(configMap.data ?? {}).filter(
    (key) => !built?.includes(key) && !(compared && isCompareSetting(key)),
  );
  idle.push(...(compared?.idle ?? []));
  return idle.length === 0 ? [] : [`accepted and kept; these settings have no effect yet: ${idle.join(', ')}`];
}

/** What would be ignored, and cannot be read, would be healed: such settings are refused. */
function compareSettings({ metadata, data = {} }: ConfigMap): CompareSettings {
  const settings = readCompareSettings(data);
  if (settings.problems.length > 0)
    throw new FleetError(
      'Invalid',
      `ConfigMap ${metadata.namespace}/${metadata.name}: ${settings.problems.join('; ')}`,
    );
  return settings;
}

/** Checks a Secret by what its label says it is, and leaves out what the hub must not hold. */
export function keepSecret(secret: Secret): { secret: Secret; warnings: string[] } {
  const { name, namespace } = secret.metadata;
  const type = secretTypeOf(secret);
  if (type === 'scm-creds' || (type === undefined && isSetting(secret))) return { secret, warnings: [] };
  if (type === undefined)
    throw new FleetError(
      'RawSecretRefused',
      `Secret ${namespace}/${name}: not one of Argo CD's (label ${secretTypeLabel}); use a SealedSecret or an ExternalSecret`,
    );
  const entry = requiredEntry[type];
  if (!secret.data?.[entry] && !secret.stringData?.[entry])
    throw new FleetError('Invalid', `Secret ${namespace}/${name}: a ${type} Secret needs the entry "${entry}"`);
  return type === 'cluster' ? withoutCredential(secret) : { secret, warnings: [] };
}

function isSetting(secret: Secret): boolean {
  if (isForHooks(secret)) return true;
  return settingsSecrets.includes(secret.metadata.name) || isPartOfArgo(secret);
}

/** The hub holds no cluster credential: spokes dial out. What the Secret says of the cluster beside that is kept. */
function withoutCredential(secret: Secret): { secret: Secret; warnings: string[] } {
  const kept = structuredClone(secret);
  const { data, stringData, metadata } = kept;
  const hasConfig = data?.['config'] !== undefined || stringData?.['config'] !== undefined;
  delete data?.['config'];
  delete stringData?.['config'];
  delete metadata.annotations?.[lastApplied];
  const { name } = parseClusterSecret(kept);
  const unusable = whyNotClusterName(name);
  return {
    secret: kept,
    warnings: [
      ...(hasConfig ? ['its "config" was left out: the hub holds no cluster credential'] : []),
      unusable === undefined
        ? `cluster ${name} is Expected until its agent enrols: wheelhouse cluster token ${name}`
        : `it names no cluster: ${unusable}; give it another entry "name", and enrol its agent under that`,
    ],
  };
}
