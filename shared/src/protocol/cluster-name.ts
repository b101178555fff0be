import { FleetError } from '../errors/fleet-error.ts';

const pattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A cluster's name is a token of subjects and part of permissions, so nothing else may pass. */
export function whyNotClusterName(name: string): string | undefined {
  if (pattern.test(name)) return undefined;
  return `cluster name ${JSON.stringify(name)} must be 1 to 63 of a-z, 0-9 and '-', and begin and end with a letter or digit`;
}

/** Throws Invalid. */
export function assertClusterName(name: string): void {
  const reason = whyNotClusterName(name);
  if (reason) throw new FleetError('Invalid', reason);
}

/** A name, or one in which '*' stands for any letters, digits and '-': what a token may be made for. */
export function whyNotClusterPattern(text: string): string | undefined {
  if (!isClusterPattern(text)) return whyNotClusterName(text);
  if (/^[-a-z0-9*]{1,63}$/.test(text) && !text.includes('**')) return undefined;
  return `cluster pattern ${JSON.stringify(text)} must be 1 to 63 of a-z, 0-9, '-' and single '*'`;
}

export function isClusterPattern(text: string): boolean {
  return text.includes('*');
}

export function matchesClusterPattern(name: string, text: string): boolean {
  return new RegExp(`^${text.replaceAll('*', '[-a-z0-9]*')}$`).test(name);
}
