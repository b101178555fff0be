import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Clock, systemClock } from '@wheelhouse/shared/async/clock';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type KubeObject, type ObjectRef, refOf } from '@wheelhouse/shared/kube/object';
import {
  type ApiResource,
  type ApplyOptions,
  type Cluster,
  formatKind,
  type KubeKind,
  type LiveInventory,
} from '../cluster.ts';
import { whyRefused } from './admission.ts';
import { builtInKinds } from './built-in-kinds.ts';
import { establishedStatus, kindsDefinedBy } from './definitions.ts';
import { inventoryOf, simulatedNode } from './inventory.ts';
import { type Access, whyForbidden } from './rbac.ts';
import { applyManaged, updateManaged } from './server-side-apply.ts';
import { settledStatus, simulateAnnotation } from './simulated-status.ts';
import { createStore, nameOf, type Store } from './store.ts';

export interface MemoryOptions {
  /** Default `v1.36.3`. */
  kubernetesVersion?: string;
  /** How long workloads take to become Healthy. Default 0: at once. */
  settleMs?: number;
  /** Identity of the installation; random unless given. */
  uid?: string;
  /** What its one Node offers. Default 64 CPUs and 256 GiB. */
  node?: { cpu: string; memory: string };
  /** Called before each request; what it returns is thrown instead. For tests. */
  intercept?: (verb: Verb, ref?: ObjectRef) => FleetError | undefined;
}

export type Verb = 'apply' | 'dryRun' | 'find' | 'list' | 'watch' | 'remove' | 'discover';

/** A simulated cluster, and what people and controllers do to it behind the spoke's back. */
export interface MemoryCluster extends Cluster {
  /** Requests so far, by verb. */
  readonly requests: Readonly<Record<Verb, number>>;
  /** Changes an object as `kubectl edit` does; returning undefined deletes it. Throws NotFound. */
  edit(
    ref: ObjectRef,
    change: (object: KubeObject) => KubeObject | undefined,
    manager?: string,
  ): KubeObject | undefined;
  /** Writes a status as a controller does. Throws NotFound. */
  setStatus(ref: ObjectRef, status: Record<string, unknown>): void;
  readonly size: number;
}

/** Server-side apply, watches, namespaces, CRDs, owner references and workloads that become Healthy; light enough for thousands in one process. */
export function createMemoryCluster(deps: { clock?: Clock } = {}, options: MemoryOptions = {}): MemoryCluster {
  return new SimulatedCluster(deps.clock ?? systemClock, options);
}

/** A class, because thousands of instances share its methods. */
class SimulatedCluster implements MemoryCluster {
  readonly requests: Record<Verb, number> = { apply: 0, dryRun: 0, find: 0, list: 0, watch: 0, remove: 0, discover: 0 };
  readonly #clock: Clock;
  readonly #options: MemoryOptions;
  readonly #store: Store = createStore();
  readonly #timers = new Map<string, Disposable>();
  readonly #uid: string;
  #uids = 0;
  #defined: ApiResource[] = [];

  constructor(clock: Clock, options: MemoryOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#uid = options.uid ?? randomUUID();
    for (const name of ['default', 'kube-system']) {
      const uid = name === 'kube-system' ? this.#uid : this.#nextUid();
      this.#store.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, uid }, status: { phase: 'Active' } });
    }
    this.#store.put(simulatedNode(options.node ?? { cpu: '64', memory: '256Gi' }));
  }

  async apply(object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const resource = this.#enter(options.dryRun ? 'dryRun' : 'apply', options.signal, refOf(object));
    const live = this.#store.find(resource, object.metadata.namespace ?? '', object.metadata.name ?? '');
    this.#authorize(options.actAs, { verbs: live ? ['patch'] : ['patch', 'create'], resource, ref: refOf(object) });
    const { status: _status, ...applied } = object;
    const next = applyManaged(live, applied, options.fieldManager);
    const refused = whyRefused({
      next,
      live,
      resource,
      namespaceExists: (name) => this.#namespace(name) !== undefined,
    });
    if (refused) throw refused;
    if (live && isDeepStrictEqual(live, next)) return live;
    const stamped = this.#stamp(next, live);
    return options.dryRun ? stamped : this.#commit(stamped, live);
  }

  async find(ref: ObjectRef, signal: AbortSignal): Promise<KubeObject | undefined> {
    this.#count('find', signal, ref);
    return this.#store.find(ref, ref.namespace, ref.name);
  }

  async *list(kind: KubeKind, signal: AbortSignal): AsyncGenerator<KubeObject> {
    this.#enter('list', signal, { ...kind, namespace: '', name: '' });
    yield* this.#store.list(kind);
  }

  async *listMetadata(kind: KubeKind, namespace: string, signal: AbortSignal): AsyncGenerator<KubeObject> {
    this.#enter('list', signal, { ...kind, namespace, name: '' });
    for (const { apiVersion, kind: name, metadata } of this.#store.list(kind))
      if (metadata.namespace === namespace) yield { apiVersion, kind: name, metadata };
  }

  async watch(kind: KubeKind, ...[listener, signal]: [Parameters<Cluster['watch']>[1], AbortSignal]): Promise<void> {
    this.requests.watch += 1;
    while (!signal.aborted && !this.#resource(kind)) {
      listener.failed(notServed(kind));
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(1_000, resolve);
        signal.addEventListener('abort', () => (timer[Symbol.dispose](), resolve()), { once: true });
      });
    }
    if (!signal.aborted) await this.#store.watch(kind, listener, signal);
  }

  async remove(ref: ObjectRef, options: Parameters<Cluster['remove']>[1]): Promise<boolean> {
    this.#count('remove', options.signal, ref);
    const resource = this.#resource(ref);
    if (resource) this.#authorize(options.actAs, { verbs: ['delete'], resource, ref });
    const live = this.#store.find(ref, ref.namespace, ref.name);
    if (!live || (options.uid && live.metadata.uid !== options.uid)) return false;
    this.#delete(live, options.propagation !== 'Orphan');
    return true;
  }

  async findResource(kind: KubeKind, signal: AbortSignal): Promise<ApiResource | undefined> {
    signal.throwIfAborted();
    return this.#resource(kind);
  }

  async resources(signal: AbortSignal): Promise<ApiResource[]> {
    this.#count('discover', signal);
    return [...builtInKinds, ...this.#defined];
  }

  async info(signal: AbortSignal): Promise<{ kubernetesVersion: string; uid: string }> {
    this.#count('find', signal);
    return { kubernetesVersion: this.#version, uid: this.#uid };
  }

  followInventory(_signal: AbortSignal): LiveInventory {
    return {
      current: () => inventoryOf(this.#store.all(), [...builtInKinds, ...this.#defined]),
      kubernetesVersion: () => this.#version,
      problem: () => undefined,
    };
  }

  edit(ref: ObjectRef, change: (object: KubeObject) => KubeObject | undefined, manager = 'kubectl-edit') {
    const live = this.#get(ref);
    const next = change(structuredClone(live));
    if (next) return this.#commit(this.#stamp(updateManaged(live, next, manager), live), live);
    this.#delete(live, true);
    return undefined;
  }

  setStatus(ref: ObjectRef, status: Record<string, unknown>): void {
    this.#store.put({ ...this.#get(ref), status });
  }

  #get(ref: ObjectRef): KubeObject {
    const live = this.#store.find(ref, ref.namespace, ref.name);
    if (live) return live;
    throw new FleetError('NotFound', `${ref.kind} ${ref.namespace}/${ref.name} does not exist`);
  }

  get #version(): string {
    return this.#options.kubernetesVersion ?? 'v1.36.3';
  }

  get size(): number {
    return this.#store.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    this.#timers.clear();
  }

  #count(verb: Verb, signal: AbortSignal, ref?: ObjectRef): void {
    if (signal.aborted) throw new FleetError('Aborted', `${verb}: stopped`);
    this.requests[verb] += 1;
    const error = this.#options.intercept?.(verb, ref);
    if (error) throw error;
  }

  /** The agent itself may do everything. */
  #authorize(user: string | undefined, access: Omit<Access, 'user'>): void {
    const refused = user === undefined ? undefined : whyForbidden(this.#store, { user, ...access });
    if (refused) throw refused;
  }

  #enter(verb: Verb, signal: AbortSignal, ref: ObjectRef): ApiResource {
    this.#count(verb, signal, ref);
    const resource = this.#resource(ref);
    if (!resource) throw notServed(ref);
    return resource;
  }

  #resource(kind: KubeKind): ApiResource | undefined {
    const is = (resource: ApiResource) =>
      resource.kind === kind.kind && resource.group === kind.group && resource.version === kind.version;
    return builtInKinds.find(is) ?? this.#defined.find(is);
  }

  #namespace(name: string): KubeObject | undefined {
    return this.#store.find({ group: '', version: 'v1', kind: 'Namespace' }, '', name);
  }

  /** What the API server sets: identity on creation, generation when more than metadata and status changed. */
  #stamp(next: KubeObject, live: KubeObject | undefined): KubeObject {
    const {
      uid,
      creationTimestamp,
      generation = 1,
    } = live?.metadata ?? {
      uid: this.#nextUid(),
      creationTimestamp: new Date(this.#clock.now()).toISOString(),
    };
    const bump = live !== undefined && !isDeepStrictEqual(specOf(live), specOf(next)) ? 1 : 0;
    const metadata = { ...next.metadata, uid, creationTimestamp, generation: generation + bump };
    return { ...next, ...(live?.['status'] ? { status: live['status'] } : {}), metadata } as KubeObject;
  }

  #commit(object: KubeObject, live: KubeObject | undefined): KubeObject {
    if (object.metadata.deletionTimestamp && !object.metadata.finalizers?.length) {
      this.#forget(object);
      return object;
    }
    const stored = this.#store.put(this.#withStatus(object));
    if (object.kind === 'CustomResourceDefinition') this.#define(object);
    const changed =
      live?.metadata.generation !== object.metadata.generation || (live && wishOf(live)) !== wishOf(object);
    if (changed && settledStatus(stored)) this.#settle(stored);
    return stored;
  }

  #withStatus(object: KubeObject): KubeObject {
    if (object.kind === 'Namespace') return { ...object, status: { phase: 'Active' } };
    return object.kind === 'CustomResourceDefinition' ? { ...object, status: establishedStatus } : object;
  }

  #define(definition: KubeObject): void {
    const { group } = definition['spec'] as { group?: string };
    const kinds = kindsDefinedBy(definition);
    this.#defined = this.#defined.filter(
      (known) => known.group !== group || kinds.every(({ kind }) => kind !== known.kind),
    );
    this.#defined.push(...kinds);
  }

  /** Plays the kind's controller: writes its status after the delay, if the object is still there. */
  #settle(object: KubeObject): void {
    const key = `${object.apiVersion} ${nameOf(object)}`;
    this.#timers.get(key)?.[Symbol.dispose]();
    const settle = () => {
      this.#timers.delete(key);
      const { namespace, name, ...kind } = refOf(object);
      const live = this.#store.find(kind, namespace, name);
      const status = live && settledStatus(live);
      if (status) this.#store.put({ ...live, status });
    };
    if (this.#options.settleMs) this.#timers.set(key, this.#clock.after(this.#options.settleMs, settle));
    else queueMicrotask(settle);
  }

  #delete(object: KubeObject, dependents: boolean): void {
    if (object.metadata.finalizers?.length) {
      const deletionTimestamp = object.metadata.deletionTimestamp ?? new Date(this.#clock.now()).toISOString();
      this.#store.put({ ...object, metadata: { ...object.metadata, deletionTimestamp } });
      return;
    }
    this.#forget(object);
    if (dependents) this.#collect(object);
  }

  #forget(object: KubeObject): void {
    this.#store.delete(object);
    if (object.kind !== 'CustomResourceDefinition') return;
    const gone = kindsDefinedBy(object);
    for (const custom of gone.flatMap((kind) => this.#store.list(kind))) this.#delete(custom, true);
    const keys = new Set(gone.map(formatKind));
    this.#defined = this.#defined.filter((kind) => !keys.has(formatKind(kind)));
  }

  /** Garbage collection: what the object owned, or, for a Namespace, held. */
  #collect(owner: KubeObject): void {
    const owned = (object: KubeObject) =>
      owner.kind === 'Namespace'
        ? object.metadata.namespace === owner.metadata.name
        : ownersOf(object).some(({ uid }) => uid === owner.metadata.uid);
    for (const object of [...this.#store.all()].filter(owned)) this.#delete(object, true);
  }

  #nextUid(): string {
    this.#uids += 1;
    return `${this.#uid?.slice(0, 24) ?? randomUUID().slice(0, 24)}${this.#uids.toString(16).padStart(12, '0')}`;
  }
}

function ownersOf(object: KubeObject): { uid?: string }[] {
  return (object.metadata['ownerReferences'] as { uid?: string }[] | undefined) ?? [];
}

function wishOf(object: KubeObject): string | undefined {
  return object.metadata.annotations?.[simulateAnnotation];
}

function specOf(object: KubeObject): unknown {
  const { metadata: _metadata, status: _status, ...spec } = object;
  return spec;
}

function notServed(kind: KubeKind): FleetError {
  return new FleetError(
    'NotFound',
    `the cluster does not serve ${formatKind(kind)}; is its CustomResourceDefinition installed?`,
    { details: { reason: 'KindNotServed' } },
  );
}
