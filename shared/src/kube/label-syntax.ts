const key = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const value = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;

/** Kubernetes: a name of at most 63 characters, after an optional DNS prefix and a slash. */
export function isLabelKey(text: string): boolean {
  return key.test(text);
}

/** Kubernetes: a name of at most 63 characters, or nothing. */
export function isLabelValue(text: string): boolean {
  return value.test(text);
}
