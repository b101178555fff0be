import type { LabelSelector } from '@wheelhouse/shared/resources/fields';

export type Matches = (labels: Readonly<Record<string, string>>) => boolean;

export interface SelectorRules {
  /** Kubernetes restricts the values of labels; Argo CD's selectors over parameters take any text. */
  anyValue: boolean;
}

const name = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const prefix = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Kubernetes: LabelSelectorAsSelector. An absent selector matches everything. Throws an Error that says what is wrong. */
export function compileSelector(selector: LabelSelector | undefined, rules: SelectorRules): Matches {
  const requirements = [
    ...Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => requirement({ key, values: [value] }, rules)),
    ...(selector?.matchExpressions ?? []).map((expression) => requirement(expression, rules)),
  ];
  return (labels) => requirements.every((matches) => matches(labels));
}

interface Expression {
  key: string;
  operator?: string;
  values?: string[];
}

function requirement({ key, operator = 'In', values = [] }: Expression, rules: SelectorRules): Matches {
  checkKey(key);
  if (!rules.anyValue) for (const value of values) checkValue(key, value);
  const wanted = new Set(values);
  switch (operator) {
    case 'In':
      requireValues(key, values);
      return (labels) => Object.hasOwn(labels, key) && wanted.has(labels[key] ?? '');
    case 'NotIn':
      requireValues(key, values);
      return (labels) => !Object.hasOwn(labels, key) || !wanted.has(labels[key] ?? '');
    case 'Exists':
      refuseValues(key, values);
      return (labels) => Object.hasOwn(labels, key);
    case 'DoesNotExist':
      refuseValues(key, values);
      return (labels) => !Object.hasOwn(labels, key);
    default:
      throw new Error(`"${operator}" is not a selector operator; use In, NotIn, Exists or DoesNotExist`);
  }
}

function requireValues(key: string, values: string[]): void {
  if (values.length === 0) throw new Error(`selector on "${key}": In and NotIn need at least one value`);
}

function refuseValues(key: string, values: string[]): void {
  if (values.length > 0) throw new Error(`selector on "${key}": Exists and DoesNotExist take no values`);
}

function checkKey(key: string): void {
  const parts = key.split('/');
  const [last = ''] = parts.slice(-1);
  const domain = parts.length > 1 ? parts[0] : undefined;
  const good =
    parts.length <= 2 &&
    last.length <= 63 &&
    name.test(last) &&
    (domain === undefined || (domain.length <= 253 && prefix.test(domain)));
  if (!good) throw new Error(`selector key "${key}" is not a valid label name`);
}

function checkValue(key: string, value: string): void {
  if (value !== '' && (value.length > 63 || !name.test(value)))
    throw new Error(`selector on "${key}": "${value}" is not a valid label value`);
}
