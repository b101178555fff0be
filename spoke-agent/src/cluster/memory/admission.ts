import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import { formatJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { ApiResource } from '../cluster.ts';
import { nameOf } from './store.ts';

export interface Admission {
  next: KubeObject;
  live: KubeObject | undefined;
  resource: ApiResource;
  namespaceExists: (name: string) => boolean;
}

/** Kinds whose selector cannot change once they exist. */
const fixedSelector = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job']);

/** Why an API server would refuse the object, as far as a simulation checks. */
export function whyRefused({ next, live, resource, namespaceExists }: Admission): FleetError | undefined {
  const what = `apply ${nameOf(next)}`;
  return (
    whyPlaceRefused({ next, live, resource, namespaceExists }, what) ??
    whySelectorRefused(next, live) ??
    whyDataRefused(next, what)
  );
}

function whyPlaceRefused({ next, resource, namespaceExists }: Admission, what: string): FleetError | undefined {
  const { name, namespace = '' } = next.metadata;
  if (!name) return invalid(`${what}: name is required`);
  if (!resource.namespaced && namespace) return invalid(`${what}: ${resource.kind} is not namespaced`);
  if (resource.namespaced && !namespace) return invalid(`${what}: an empty namespace may not be set during creation`);
  if (resource.namespaced && !namespaceExists(namespace))
    return new FleetError('NotFound', `${what}: namespaces "${namespace}" not found`, {
      details: { httpStatus: 404, reason: 'NotFound', subject: 'namespaces' },
    });
  return undefined;
}

function whySelectorRefused(next: KubeObject, live: KubeObject | undefined): FleetError | undefined {
  const [before, after] = [selectorOf(live), selectorOf(next)];
  if (live && fixedSelector.has(next.kind) && before !== after)
    return invalid(
      `apply ${nameOf(next)}: ${next.kind} "${next.metadata.name}" is invalid: spec.selector: Invalid value: ${after}: field is immutable`,
    );
  return undefined;
}

function whyDataRefused(object: KubeObject, what: string): FleetError | undefined {
  if (object.kind !== 'ConfigMap' && object.kind !== 'Secret') return undefined;
  const wrong = Object.entries(object['data'] ?? {}).find(([, value]) => typeof value !== 'string');
  return wrong ? invalid(`${what}: .data.${wrong[0]}: expected string, got ${formatJson(wrong[1])}`) : undefined;
}

function selectorOf(object: KubeObject | undefined): string | undefined {
  const selector = (object?.['spec'] as { selector?: unknown } | undefined)?.selector;
  return selector === undefined ? undefined : canonicalJson(selector);
}

function invalid(message: string): FleetError {
  return new FleetError('ApplyFailed', message, { retryable: false, details: { httpStatus: 422, reason: 'Invalid' } });
}
