/**
 * What generators see beyond Git and the inventory: code hosts, plugins, and the ConfigMaps, Secrets and decisions of an
 * ApplicationSet's own namespace. In: the set. Out: readers that record what they read, so that a change evaluates it
 * again. Must never: read another namespace, hand out a Secret that is not meant for it, or ask a host not allowed.
 */
import { createHash } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { isDecisionResource } from '@wheelhouse/shared/resources/decision';
import { type ConfigMap, isForGenerators, type Secret, secretEntries } from '@wheelhouse/shared/resources/settings';
import type { HostAccess } from '../hosts/host.ts';
import { listPullRequests, openRepositoryHost } from '../hosts/hosts.ts';
import type { Http } from '../hosts/http/http.ts';
import type { Listings } from '../hosts/listings.ts';
import type { SpecStore } from '../store/specs.ts';
import { askPlugin } from './ask-plugin.ts';
import type { HostReader, Reads, SettingsReader } from './generators/context.ts';

export interface OutsideDeps {
  specs: Pick<SpecStore, 'find' | 'list'>;
  http: Pick<Http, 'open'>;
  listings: Listings;
  environment: Readonly<Record<string, string | undefined>>;
  /** Unix milliseconds. */
  now(): number;
}

export interface Outside extends SettingsReader {
  hosts: HostReader;
}

/** Opens the readers of one evaluation; what they read is added to `reads`. */
export type OpenOutside = (reads: Reads) => Promise<Outside>;

export function openOutside(applicationSet: ApplicationSet, deps: OutsideDeps, signal: AbortSignal): OpenOutside {
  return async (reads) => {
    const { name, namespace } = applicationSet.metadata;
    const settings = createSettings({ namespace, deps, reads });
    const access: HostAccess = { ...settings, http: deps.http, signal, environment: deps.environment, now: deps.now };
    let listings: ReturnType<Listings['of']> | undefined;
    return {
      configMap: settings.entriesOf,
      decisions: settings.decisions,
      plugin: async (configMap, parameters) =>
        await askPlugin({ applicationSet: name, configMap, parameters }, { ...access, entriesOf: settings.entriesOf }),
      hosts: {
        repositories: (generator) => openRepositoryHost(generator, access),
        pullRequests: async (generator) => await listPullRequests(generator, access),
        listing: async (query, intervalSeconds, list) => {
          listings ??= deps.listings.of(`${namespace}.${name}`);
          // a list that was made with another credential, or another version of the set, is another list
          const key = {
            namespace,
            query,
            used: settings.fingerprintOf(query),
            spec: deps.specs.find('ApplicationSet', namespace, name)?.revision,
          };
          return await (await listings).get(key, intervalSeconds * 1_000, list);
        },
      },
    };
  };
}

function createSettings({ namespace, deps, reads }: { namespace: string; deps: OutsideDeps; reads: Reads }) {
  const note = (kind: string, name: string) => {
    const entry = `${kind}/${namespace}/${name}`;
    if (!reads.settings.includes(entry)) reads.settings.push(entry);
  };
  const secretOf = (name: string): Record<string, string> => {
    note('Secret', name);
    const spec = deps.specs.find('Secret', namespace, name);
    if (!spec) throw missing('Secret', namespace, name);
    if (!isForGenerators(spec.resource as Secret))
      throw new FleetError(
        'Forbidden',
        `Secret ${namespace}/${name} is not for generators: label it argocd.argoproj.io/secret-type: scm-creds`,
      );
    return secretEntries(spec.resource as Secret);
  };
  const entriesOf = (name: string): Record<string, string> => {
    note('ConfigMap', name);
    const spec = deps.specs.find('ConfigMap', namespace, name);
    if (!spec) throw missing('ConfigMap', namespace, name);
    return (spec.resource as ConfigMap).data ?? {};
  };
  return {
    secret: ({ secretName, key }: { secretName: string; key: string }) =>
      entryOf(secretOf(secretName), key, `Secret ${namespace}/${secretName}`),
    secretEntries: secretOf,
    configMap: ({ configMapName, key }: { configMapName: string; key: string }) =>
      entryOf(entriesOf(configMapName), key, `ConfigMap ${namespace}/${configMapName}`),
    entriesOf,
    decisions: (apiVersion: string, kind: string) => {
      const found = deps.specs
        .list()
        .map(({ resource }) => resource)
        .filter((one) => isDecisionResource(one) && isNamed(one, { namespace, apiVersion, kind }));
      note(found[0]?.kind ?? '*', '*');
      return found.map(({ metadata, ...one }) => ({
        name: metadata.name ?? '',
        labels: metadata.labels ?? {},
        status: (one as { status?: Record<string, unknown> }).status ?? {},
      }));
    },
    /** Changes with every Secret and ConfigMap that a query names. */
    fingerprintOf: (query: object): string => {
      const hash = createHash('sha256');
      for (const [kind, name] of namesIn(query)) {
        note(kind, name);
        hash.update(`${kind}/${name}/${deps.specs.find(kind, namespace, name)?.revision ?? 0}\n`);
      }
      return hash.digest('hex').slice(0, 16);
    },
  };
}

function missing(kind: string, namespace: string, name: string): FleetError {
  return new FleetError('NotFound', `${kind} ${namespace}/${name} is not on the hub: wheelhouse apply it`);
}

function entryOf(entries: Record<string, string>, key: string, where: string): string {
  const value = entries[key];
  if (value !== undefined && value !== '') return value;
  throw new FleetError('Invalid', `${where} has no entry "${key}"`);
}

/** Kubernetes: a kind goes by its name, or by the plural that its resource has. */
function isNamed(object: KubeObject, wanted: { namespace: string; apiVersion: string; kind: string }): boolean {
  const kind = object.kind.toLowerCase();
  const plurals = [kind, `${kind}s`, `${kind}es`, kind.replace(/y$/, 'ies')];
  return (
    object.apiVersion === wanted.apiVersion &&
    (object.metadata.namespace ?? 'argocd') === wanted.namespace &&
    plurals.includes(wanted.kind.toLowerCase())
  );
}

/** Secrets and ConfigMaps that a generator names, wherever it does. */
function namesIn(value: unknown): [kind: string, name: string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]): [string, string][] => {
    if (key === 'configMapRef') return [['ConfigMap', (item as { name: string }).name]];
    if (typeof item !== 'string') return namesIn(item);
    if (key === 'secretName' || key === 'appSecretName') return [['Secret', item]];
    return key === 'configMapName' ? [['ConfigMap', item]] : [];
  });
}
