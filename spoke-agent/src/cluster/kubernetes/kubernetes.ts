import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import { formatRef, type KubeObject, type ObjectRef, refOf } from '@wheelhouse/shared/kube/object';
import {
  type ApiResource,
  type ApplyOptions,
  type Cluster,
  type ClusterInfo,
  formatKind,
  type KubeKind,
  type RemoveOptions,
} from '../cluster.ts';
import { type KubeconfigOptions, openConnection } from './connection.ts';
import { collectionPath, createDiscovery, objectPath } from './discovery.ts';
import { followInventory, readVersion } from './inventory.ts';
import { createRequests, type KubeRequest, type Requests } from './requests.ts';
import { followKind, listMetadata, listPages, type WatchDeps } from './watch.ts';

export interface KubernetesOptions extends KubeconfigOptions {
  /** Requests at a time, watches apart. Default 16. */
  concurrency?: number;
}

/** The port over a real API server. Throws Invalid when the kubeconfig cannot be used; connects at the first request. */
export function createKubernetesCluster(deps: { random: () => number }, options: KubernetesOptions): Cluster {
  const connection = openConnection(options);
  const requests = createRequests(connection, options.concurrency ?? 16);
  const discovery = createDiscovery(requests);
  const watching: WatchDeps = {
    requests,
    random: deps.random,
    pathOf: async (kind, signal, namespace) => collectionPath(await getResource(kind, signal), namespace),
  };

  async function getResource(kind: KubeKind, signal: AbortSignal): Promise<ApiResource> {
    const resource = await discovery.find(kind, signal);
    if (resource) return resource;
    throw new FleetError(
      'NotFound',
      `the cluster does not serve ${formatKind(kind)}; is its CustomResourceDefinition installed?`,
      { details: { reason: 'KindNotServed' } },
    );
  }

  /** One request about one object. A path that the API server does not know makes the next one re-read discovery. */
  async function send(ref: ObjectRef, request: Omit<KubeRequest, 'path'>): Promise<KubeObject> {
    const resource = await getResource(ref, request.signal);
    try {
      return await requests.send<KubeObject>({ ...request, path: objectPath(resource, ref) });
    } catch (error) {
      if (error instanceof FleetError && error.code === 'NotFound' && !error.details['subject']) discovery.forget();
      throw error;
    }
  }

  return {
    apply: async (object, options) => await send(refOf(object), applyRequest(object, options)),
    async find(ref, signal) {
      try {
        return await send(ref, { method: 'GET', signal, what: `read ${formatRef(ref)}` });
      } catch (error) {
        if (error instanceof FleetError && error.code === 'NotFound') return undefined;
        throw error;
      }
    },
    async *list(kind, signal) {
      for await (const page of listPages(watching, { kind }, signal)) yield* page.items;
    },
    listMetadata: (kind, namespace, signal) => listMetadata(watching, { kind, namespace }, signal),
    watch: async (kind, listener, signal) => await followKind(watching, { kind, listener, signal }),
    async remove(ref, options) {
      try {
        await send(ref, removeRequest(ref, options));
        return true;
      } catch (error) {
        if (error instanceof FleetError && (error.code === 'NotFound' || isOtherUid(error, options))) return false;
        throw error;
      }
    },
    findResource: async (kind, signal) => await discovery.find(kind, signal),
    resources: async (signal) => await discovery.all(signal),
    info: async (signal) => await identify(requests, signal),
    followInventory: (signal) => followInventory(watching, signal),
    [Symbol.asyncDispose]: async () => await connection[Symbol.asyncDispose](),
  };
}

async function identify(requests: Requests, signal: AbortSignal): Promise<ClusterInfo> {
  const path = '/api/v1/namespaces/kube-system';
  const [kubernetesVersion, system] = await Promise.all([
    readVersion(requests, signal),
    requests.send<KubeObject>({ method: 'GET', path, signal, what: 'identify the cluster' }),
  ]);
  return { kubernetesVersion, uid: system.metadata.uid ?? '' };
}

function applyRequest(object: KubeObject, options: ApplyOptions): Omit<KubeRequest, 'path'> {
  const { metadata } = object;
  return {
    method: 'PATCH',
    query: {
      fieldManager: options.fieldManager,
      force: 'true',
      fieldValidation: options.fieldValidation ?? 'Strict',
      ...(options.dryRun ? { dryRun: 'All' } : {}),
    },
    contentType: 'application/apply-patch+yaml',
    // Not JSON.stringify: 64-bit integers of a manifest are bigints.
    body: canonicalJson({ ...object, metadata: { ...metadata, managedFields: undefined } }),
    actAs: options.actAs,
    signal: options.signal,
    what: `apply ${formatRef(refOf(object))}${asWhom(options)}`,
  };
}

function removeRequest(ref: ObjectRef, { propagation, uid, actAs, signal }: RemoveOptions): Omit<KubeRequest, 'path'> {
  return {
    method: 'DELETE',
    contentType: 'application/json',
    body: JSON.stringify({ propagationPolicy: propagation, ...(uid ? { preconditions: { uid } } : {}) }),
    actAs,
    signal,
    what: `delete ${formatRef(ref)}${asWhom({ actAs })}`,
  };
}

/** Whose rights a refusal is about. */
function asWhom({ actAs }: { actAs?: string | undefined }): string {
  return actAs === undefined ? '' : ` as ${actAs}`;
}

function isOtherUid(error: FleetError, { uid }: RemoveOptions): boolean {
  return uid !== undefined && error.code === 'Conflict' && error.message.includes('UID');
}
