import { pause } from '@wheelhouse/shared/async/clock';
import { FleetError, isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { fieldManager } from '../cluster/cluster.ts';
import { rememberApplied } from '../diff/drift.ts';
import { respectIgnored } from '../diff/respect-ignored.ts';
import { actingAs } from './acting-as.ts';
import { type AppState, resourceState, type SyncContext } from './app-state.ts';
import type { ManifestOf } from './manifest-of.ts';
import { createNamespace } from './namespace.ts';
import { isStandbyObject } from './standby.ts';
import { isOn, propagationOf, validationOf } from './sync-options.ts';
import type { DesiredResource } from './target.ts';

export interface Applying {
  context: SyncContext;
  state: AppState;
  manifestOf: ManifestOf;
  /** Delete and create anew what cannot be changed; Argo CD: `Force=true`, or a sync with `--force`. */
  force?: boolean;
  signal: AbortSignal;
}

/** Applies one resource and remembers what the cluster made of it. Throws what the API server refused. */
export async function applyResource(applying: Applying, resource: DesiredResource): Promise<void> {
  const { context, state } = applying;
  const rule = state.policy.ignore(resource.ref);
  const key = resource.liveKey;
  const manifest = await respected(applying, resource);
  context.index.hold(key);
  try {
    const live = await send(applying, resource, manifest);
    remember(applying, resource, { live, manifest, ignore: rule?.digest });
    context.index.put(live, { drifted: false });
  } finally {
    context.index.release(key);
  }
}

/** As a new object, whether or not anything changed. */
export async function applyAnew(applying: Applying, resource: DesiredResource): Promise<void> {
  await removeWholly(applying, resource);
  await applyResource(applying, resource);
}

/** Takes note that the live object is as the manifest wants it. */
export function remember(
  { context, state }: Pick<Applying, 'context' | 'state'>,
  { key, ref, digest }: DesiredResource,
  { live, manifest, ignore }: { live: KubeObject; manifest: KubeObject; ignore: string | undefined },
): void {
  const applied = rememberApplied(live, manifest, state.policy.ignore(ref));
  const record = { ref, manifest: digest, ...applied, ...(ignore ? { ignore } : {}) };
  state.record.resources[key] = record;
  context.expectations.put(state, record);
  context.records.save(state.record);
  const known = resourceState(state, key);
  known.error = undefined;
  known.differs = undefined;
}

async function respected(
  { context, state, manifestOf, signal }: Applying,
  resource: DesiredResource,
): Promise<KubeObject> {
  const manifest = await manifestOf(resource);
  const rule = state.policy.ignore(resource.ref);
  if (!rule || !isOn('RespectIgnoreDifferences', state.policy.options, resource.options)) return manifest;
  const live = await context.cluster.find(resource.ref, signal);
  // replicas that a standby had, or is to have, are not the cluster's own choice
  if (!live || isStandbyObject(live) || isStandbyObject(manifest)) return manifest;
  return respectIgnored(manifest, live, rule);
}

async function send(applying: Applying, resource: DesiredResource, manifest: KubeObject): Promise<KubeObject> {
  const { context, state, signal } = applying;
  const { options } = state.policy;
  const fieldValidation = validationOf(options, resource.options);
  const apply = async () =>
    await context.cluster.apply(manifest, { fieldManager, fieldValidation, ...actingAs(state), signal });
  try {
    return await apply();
  } catch (error) {
    if (isNamespaceMissing(error) && isOn('CreateNamespace', options)) {
      // Somebody deleted it after it was made.
      await createNamespace(context, state, { name: resource.ref.namespace, signal });
      return await apply();
    }
    const force = applying.force || isOn('Force', options, resource.options);
    if (!force || !isFleetError(error, 'ApplyFailed') || error.retryable) throw error;
    await removeWholly(applying, resource);
    return await apply();
  }
}

function isNamespaceMissing(error: unknown): boolean {
  return isFleetError(error, 'NotFound') && error.details['subject'] === 'namespaces';
}

/** Longer than the half minute that a Pod gets to end by default, which its Job waits for. */
const removalMs = 60_000;
const pollMs = 500;

/** Deletes what is there and waits until it is gone; throws ApplyFailed when something holds it. */
async function removeWholly({ context, state, signal }: Applying, { ref }: DesiredResource): Promise<void> {
  const { cluster, clock } = context;
  const { uid } = (await cluster.find(ref, signal))?.metadata ?? {};
  if (uid === undefined) return;
  await cluster.remove(ref, { propagation: propagationOf(state.policy.options), uid, ...actingAs(state), signal });
  const until = clock.now() + removalMs;
  for (;;) {
    const left = await cluster.find(ref, signal);
    if (left?.metadata.uid !== uid) return;
    if (clock.now() >= until) throw stillThere(left, ref);
    await pause(clock, pollMs, signal);
  }
}

function stillThere({ metadata: { finalizers = [] } }: KubeObject, ref: DesiredResource['ref']): FleetError {
  const by = finalizers.length > 0 ? `; its finalizers: ${finalizers.join(', ')}` : '';
  const name = ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name;
  return new FleetError(
    'ApplyFailed',
    `${ref.kind} ${name} is not gone ${removalMs / 1_000} s after it was deleted to be made anew${by}: take away what holds it, then sync again`,
  );
}
