/**
 * What checks of custom resources are made of: rules that look at one thing each, of which the first that answers counts.
 * Messages are templates: `{message}`, `{reason}`, `{type}` and `{status}` of the condition, `{value}` of the field, `{kind}`,
 * or any path (`{status.phase}`); what is not there is empty, or what is written for that case (`{message|not told}`).
 */
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { HealthStatus } from '@wheelhouse/shared/protocol/status';
import type { Health } from '../health.ts';
import type { Condition } from '../kinds/condition.ts';

export type Check = (object: KubeObject) => Health;
export type Rule = (object: KubeObject) => Health | undefined;

/** By kind, `group/Kind`. */
export type Checks = Readonly<Record<string, Check>>;

export function check(...rules: Rule[]): Check {
  return (object) => {
    for (const rule of rules) {
      const health = rule(object);
      if (health) return health;
    }
    return { status: 'Unknown' };
  };
}

interface ConditionOptions {
  message?: string;
  /** Only conditions of these reasons count. */
  reasons?: readonly string[];
  /** Conditions of these reasons do not count. */
  except?: readonly string[];
}

type ByStatus = Readonly<Partial<Record<'True' | 'False' | 'Unknown', HealthStatus>>>;

/** The same, whatever the condition's status is. */
export function whatever(status: HealthStatus): ByStatus {
  return { True: status, False: status, Unknown: status };
}

/** The first condition of this type, or of these, whose status says something. */
export function condition(type: string | readonly string[], byStatus: ByStatus, options: ConditionOptions = {}): Rule {
  const { message = '{message}', reasons, except } = options;
  const types = typeof type === 'string' ? [type] : type;
  return (object) => {
    for (const found of conditionsOf(object)) {
      if (!types.includes(found.type) || !Object.hasOwn(byStatus, found.status)) continue;
      const status = byStatus[found.status as keyof ByStatus];
      const { reason = '' } = found;
      if (!status || (reasons && !reasons.includes(reason)) || except?.includes(reason)) continue;
      return { status, message: fill(message, object, found) };
    }
    return undefined;
  };
}

/** Of several rules of conditions the one whose condition comes first in the object's list. */
export function inOrder(...rules: Rule[]): Rule {
  return (object) => {
    for (const one of conditionsOf(object)) {
      const alone = { ...object, status: { conditions: [one] } };
      for (const rule of rules) {
        const health = rule(alone);
        if (health) return health;
      }
    }
    return undefined;
  };
}

/** What a field says; a value that is not listed says nothing. */
export function value(path: string, byValue: Readonly<Record<string, HealthStatus>>, message = '{value}'): Rule {
  const at = path.split('.');
  return (object) => {
    const found = textOf(valueAt(object, at));
    const status = Object.hasOwn(byValue, found) ? byValue[found] : undefined;
    return status && { status, message: fill(message, object, { value: found }) };
  };
}

/** Where a field is missing, or null. */
export function without(path: string, status: HealthStatus, message = ''): Rule {
  const at = path.split('.');
  return (object) => ((valueAt(object, at) ?? null) === null ? { status, message: fill(message, object) } : undefined);
}

/** Where there is no condition of this type. */
export function lacking(type: string, status: HealthStatus, message = ''): Rule {
  return (object) =>
    conditionsOf(object).some((one) => one.type === type) ? undefined : { status, message: fill(message, object) };
}

/** Where the controller has yet to look at the newest spec. */
export function unobserved(message: string, path = 'status.observedGeneration'): Rule {
  const at = path.split('.');
  return (object) => {
    const observed = valueAt(object, at) ?? undefined;
    const { generation } = object.metadata ?? {};
    return generation === undefined || observed === undefined || observed === generation
      ? undefined
      : { status: 'Progressing', message: fill(message, object) };
  };
}

/** As `unobserved`, of controllers that write it beside each condition. */
export function conditionsUnobserved(message: string): Rule {
  return (object) => {
    const { generation } = object.metadata;
    const isOld = conditionsOf(object).some(
      ({ observedGeneration: observed }) => observed !== undefined && observed !== generation,
    );
    return generation !== undefined && isOld ? { status: 'Progressing', message: fill(message, object) } : undefined;
  };
}

export function otherwise(status: HealthStatus, message = ''): Rule {
  return (object) => ({ status, message: fill(message, object) });
}

/** The usual check: whether a condition, `Ready` unless said, is true; until it is told, `waiting`. */
export function ready(waiting: string, type: string | readonly string[] = 'Ready'): Check {
  return check(condition(type, { True: 'Healthy', False: 'Degraded' }), otherwise('Progressing', waiting));
}

export function conditionsOf(object: Readonly<Record<string, unknown>>): readonly Condition[] {
  const conditions = valueAt(object, ['status', 'conditions']);
  return Array.isArray(conditions) ? conditions.filter((one) => one !== null && typeof one === 'object') : [];
}

/** What a path leads to, through objects only. */
export function valueAt(object: unknown, path: readonly string[]): unknown {
  let found: unknown = object;
  for (const step of path) {
    if (found === null || typeof found !== 'object') return undefined;
    found = (found as Record<string, unknown>)[step];
  }
  return found;
}

export function numberAt(object: KubeObject, ...path: string[]): number | undefined {
  const found = valueAt(object, path);
  return typeof found === 'number' ? found : undefined;
}

export function textOf(found: unknown): string {
  return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' ? String(found) : '';
}

function fill(template: string, object: KubeObject, found: object = {}): string {
  const own = template.replaceAll('{kind}', object.kind);
  return own.replace(/\{([\w.]+)(?:\|([^}]*))?\}/g, (_whole, path: string, instead = '') => {
    const named = (found as Record<string, unknown>)[path];
    return textOf(named ?? valueAt(object, path.split('.'))) || (instead as string);
  });
}
