import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/** Label name → values that an agent may give it, '*' for any. */
export type AllowedLabels = Readonly<Record<string, readonly string[]>>;

/** Labels that an agent reports grant nothing that its token did not allow. */
export function whyNotLabel(key: string, value: string, allowed: AllowedLabels = {}): string | undefined {
  const values = Object.hasOwn(allowed, key) ? allowed[key] : undefined;
  if (!values) return `label ${key} is none that its token lets an agent choose (${describe(Object.keys(allowed))})`;
  if (values.includes('*') || values.includes(value)) return undefined;
  return `label ${key} may not be ${JSON.stringify(value)}; its token allows ${values.join(', ')}`;
}

/** Throws Forbidden, naming the first label that is not allowed. */
export function assertLabelsAllowed(
  cluster: string,
  labels: Readonly<Record<string, string>>,
  allowed: AllowedLabels | undefined,
): void {
  for (const [key, value] of Object.entries(labels)) {
    const reason = whyNotLabel(key, value, allowed);
    if (reason) throw new FleetError('Forbidden', `the agent of ${cluster} is refused: ${reason}`);
  }
}

function describe(names: string[]): string {
  return names.length === 0 ? 'it allows none' : `it allows ${names.join(', ')}`;
}
