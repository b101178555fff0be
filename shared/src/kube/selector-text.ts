import { FleetError } from '../errors/fleet-error.ts';

/** One condition of a selector; every condition must hold. Kubernetes: `NotIn` and `!=` also match an absent label. */
export interface LabelRequirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** Empty for Exists and DoesNotExist. */
  values: string[];
}

const key = String.raw`[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?`;
const value = String.raw`[-A-Za-z0-9_.]*`;
const forms = {
  set: new RegExp(String.raw`^(${key})\s+(in|notin)\s*\(([^()]*)\)$`),
  equality: new RegExp(String.raw`^(${key})\s*(==|=|!=)\s*(${value})$`),
  existence: new RegExp(String.raw`^(!?)\s*(${key})$`),
};

/** Reads `kubectl -l`'s text: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. Throws Invalid, quoting the part. */
export function parseSelector(text: string): LabelRequirement[] {
  return splitOutsideParentheses(text)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseRequirement);
}

export function matchesSelector(
  requirements: readonly LabelRequirement[],
  labels: Record<string, string> = {},
): boolean {
  return requirements.every(({ key, operator, values }) => {
    const label = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (operator === 'Exists') return label !== undefined;
    if (operator === 'DoesNotExist') return label === undefined;
    return (operator === 'In') === (label !== undefined && values.includes(label));
  });
}

function parseRequirement(part: string): LabelRequirement {
  const requirement = parseSet(part) ?? parseEquality(part) ?? parseExistence(part);
  if (requirement) return requirement;
  throw new FleetError(
    'Invalid',
    `"${part}" is not a label condition; write key=value, key!=value, key in (a,b), key notin (a,b), key or !key`,
  );
}

function parseSet(part: string): LabelRequirement | undefined {
  const [, key, operator, list = ''] = forms.set.exec(part) ?? [];
  const values = list.split(',').map((item) => item.trim());
  return key === undefined ? undefined : { key, operator: operator === 'in' ? 'In' : 'NotIn', values };
}

function parseEquality(part: string): LabelRequirement | undefined {
  const [, key, sign, value = ''] = forms.equality.exec(part) ?? [];
  return key === undefined ? undefined : { key, operator: sign === '!=' ? 'NotIn' : 'In', values: [value] };
}

function parseExistence(part: string): LabelRequirement | undefined {
  const [, negated, key] = forms.existence.exec(part) ?? [];
  return key === undefined ? undefined : { key, operator: negated ? 'DoesNotExist' : 'Exists', values: [] };
}

function splitOutsideParentheses(text: string): string[] {
  return text.match(/(?:[^,(]|\([^)]*\)?)+/g) ?? [];
}
