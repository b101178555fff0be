import type { ObjectRef } from '@wheelhouse/shared/kube/object';
import { type ApiResource, formatKind, type KubeKind } from '../cluster.ts';
import type { Requests } from './requests.ts';

/** Kubernetes: aggregated discovery (stable since 1.30, beta since 1.27): every kind in two requests. */
const accept = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',');

interface GroupDiscoveryList {
  items?: { metadata?: { name?: string }; versions?: { version: string; resources?: ResourceDiscovery[] }[] }[];
}

interface ResourceDiscovery {
  resource: string;
  responseKind?: { kind?: string };
  scope: string;
  verbs?: string[];
}

export interface Discovery {
  find(kind: KubeKind, signal: AbortSignal): Promise<ApiResource | undefined>;
  all(signal: AbortSignal): Promise<ApiResource[]>;
  /** What is cached is wrong: the API server does not know a path that came from it. */
  forget(): void;
}

/** An unknown kind re-reads discovery, but a burst of them reads it once. */
const unknownFreshMs = 250;

export function createDiscovery(requests: Requests): Discovery {
  let known = new Map<string, ApiResource>();
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  async function read(signal: AbortSignal): Promise<void> {
    const send = async (path: string) =>
      await requests.send<GroupDiscoveryList>({ method: 'GET', path, accept, signal, what: 'discover kinds' });
    const [core, groups] = await Promise.all([send('/api'), send('/apis')]);
    const next = new Map<string, ApiResource>();
    for (const resource of [...resourcesOf(core), ...resourcesOf(groups)]) {
      const key = formatKind(resource);
      if (!next.get(key)?.verbs.includes('patch')) next.set(key, resource);
    }
    known = next;
    readAt = Date.now();
  }

  async function refresh(signal: AbortSignal): Promise<void> {
    reading ??= read(signal).finally(() => {
      reading = undefined;
    });
    await reading;
  }

  return {
    async find(kind, signal) {
      const key = formatKind(kind);
      if (!known.has(key) && Date.now() - readAt > unknownFreshMs) await refresh(signal);
      return known.get(key);
    },
    async all(signal) {
      await refresh(signal);
      return [...known.values()];
    },
    forget() {
      known = new Map();
    },
  };
}

function resourcesOf(list: GroupDiscoveryList): ApiResource[] {
  return (list.items ?? []).flatMap(({ metadata, versions = [] }) =>
    versions.flatMap(({ version, resources = [] }) =>
      resources
        .filter(({ responseKind }) => responseKind?.kind)
        .map((resource) => ({
          group: metadata?.name ?? '',
          version,
          kind: resource.responseKind?.kind ?? '',
          plural: resource.resource,
          namespaced: resource.scope === 'Namespaced',
          verbs: resource.verbs ?? [],
        })),
    ),
  );
}

/** Path of a kind's collection, in all namespaces or in one. */
export function collectionPath(resource: ApiResource, namespace?: string): string {
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${versionPath(resource)}${within}/${resource.plural}`;
}

export function objectPath(resource: ApiResource, ref: ObjectRef): string {
  const namespace = resource.namespaced ? `/namespaces/${encodeURIComponent(ref.namespace)}` : '';
  return `${versionPath(resource)}${namespace}/${resource.plural}/${encodeURIComponent(ref.name)}`;
}

function versionPath({ group, version }: KubeKind): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}
