import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Health } from '../health.ts';
import { type Condition, findCondition } from '../kinds/condition.ts';
import { type Checks, check, condition, conditionsOf, otherwise, valueAt } from './rules.ts';

interface Part {
  conditions?: Condition[];
  [field: string]: unknown;
}

/** Gateway API: what keeps a part of an object from working; undefined when nothing does. */
function whyPartFails({ conditions = [] }: Part, what: string): Health | undefined {
  for (const type of ['ResolvedRefs', 'Accepted']) {
    const failed = conditions.find((one) => one.type === type && one.status === 'False');
    if (failed) return { status: 'Degraded', message: failed.message ?? `Failed condition: ${type}` };
  }
  const programmed = findCondition(conditions, 'Programmed');
  if (!programmed || programmed.status === 'True') return undefined;
  return { status: 'Progressing', message: programmed.message ?? `${what} is still being programmed` };
}

function partsAt(object: KubeObject, field: string): Part[] {
  const parts = valueAt(object, ['status', field]);
  return Array.isArray(parts) ? (parts as Part[]) : [];
}

function prefixed(health: Health | undefined, prefix: string): Health | undefined {
  return health && { ...health, message: `${prefix}: ${health.message ?? ''}` };
}

function gatewayHealth(object: KubeObject): Health {
  const whole = { conditions: valueAt(object, ['status', 'conditions']) } as Part;
  const listeners = partsAt(object, 'listeners');
  const failing =
    whyPartFails(whole, 'Gateway') ??
    listeners.map((listener) => prefixed(whyPartFails(listener, 'Listener'), 'Listener')).find((one) => one);
  if (failing) return failing;
  const isTold = whole.conditions !== undefined || listeners.length > 0;
  return isTold
    ? { status: 'Healthy', message: 'Gateway is healthy' }
    : { status: 'Progressing', message: 'Waiting for Gateway status' };
}

function nameOf(part: Part, ref: string): string {
  return ((part[ref] ?? {}) as { name?: string }).name ?? '';
}

/** Of a route's parents only those count that were written for its newest spec. */
function routeHealth(object: KubeObject): Health {
  const { generation } = object.metadata;
  const told = partsAt(object, 'parents').filter(
    ({ conditions = [] }) =>
      conditions.length > 0 &&
      (generation === undefined || conditions.some(({ observedGeneration }) => observedGeneration === generation)),
  );
  for (const part of told) {
    const failing = prefixed(whyPartFails(part, 'Route'), `Parent ${nameOf(part, 'parentRef')}`);
    if (failing) return failing;
  }
  if (told.length > 0) return { status: 'Healthy', message: `${object.kind} is healthy` };
  return { status: 'Progressing', message: `Waiting for ${object.kind} status` };
}

/** Every controller of the cluster writes its word; one that does not know the target is not meant. */
function isMeant({ conditions }: Part): boolean {
  const accepted = findCondition(conditions, 'Accepted');
  return accepted?.status === 'True' || accepted?.reason !== 'TargetNotFound';
}

function policyHealth(object: KubeObject): Health {
  const ancestors = partsAt(object, 'ancestors');
  const { kind, metadata } = object;
  const isOld = ({ observedGeneration: observed }: Condition) =>
    metadata.generation !== undefined && observed !== undefined && observed !== metadata.generation;
  const late = ancestors.find(({ conditions = [] }) => conditions.some(isOld));
  const waiting = late ? `Ancestor ${nameOf(late, 'ancestorRef')} to update ${kind} status` : `${kind} status`;
  const said = ancestors
    .filter(isMeant)
    .flatMap((ancestor) =>
      (ancestor.conditions ?? [])
        .filter(({ type }) => type === 'Accepted' || type === 'ResolvedRefs')
        .map((one) => ({ ...one, by: nameOf(ancestor, 'ancestorRef') })),
    );
  const refused = said.find(({ status }) => status !== 'True');
  if (!late && refused) return { status: 'Degraded', message: `Ancestor ${refused.by}: ${refused.message ?? ''}` };
  return !late && said.some(({ type }) => type === 'Accepted')
    ? { status: 'Healthy', message: `${kind} is healthy` }
    : { status: 'Progressing', message: `Waiting for ${waiting}` };
}

const waitingForClass = 'Waiting for GatewayClass status';
const gatewayClass = check(
  condition('Accepted', { True: 'Healthy' }, { message: '{message|GatewayClass is accepted}' }),
  condition('Accepted', { False: 'Degraded' }, { message: '{message|GatewayClass is not accepted}' }),
  condition('Accepted', { Unknown: 'Progressing' }, { message: `{message|${waitingForClass}}` }),
  otherwise('Progressing', waitingForClass),
);

/** A condition that was written for an older spec says nothing. */
function gatewayClassHealth(object: KubeObject): Health {
  const { generation } = object.metadata;
  const conditions = conditionsOf(object).filter(
    ({ observedGeneration: observed }) => generation === undefined || observed === undefined || observed === generation,
  );
  return gatewayClass({ ...object, status: { conditions } });
}

/** Gateway API. */
export const gatewayChecks: Checks = {
  'gateway.networking.k8s.io/Gateway': gatewayHealth,
  'gateway.networking.k8s.io/GatewayClass': gatewayClassHealth,
  'gateway.networking.k8s.io/HTTPRoute': routeHealth,
  'gateway.networking.k8s.io/GRPCRoute': routeHealth,
  'gateway.networking.k8s.io/TLSRoute': routeHealth,
  'gateway.networking.k8s.io/TCPRoute': routeHealth,
  'gateway.networking.k8s.io/UDPRoute': routeHealth,
  'gateway.networking.k8s.io/BackendTLSPolicy': policyHealth,
};
