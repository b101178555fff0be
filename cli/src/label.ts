import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/** `key=value`. Throws Invalid. */
export function parseLabel(text: string): [key: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) throw new FleetError('Invalid', `"${text}" is not a label; write key=value, or key- to remove one`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** `a=b,c=d`, several times. Throws Invalid. */
export function parseLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.flatMap((text) => text.split(',')).map(parseLabel));
}

/** `key=value` sets a label, `key-` removes it. Throws Invalid. */
export function parseLabelChanges(texts: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(texts.map(parseLabelChange));
}

function parseLabelChange(text: string): [key: string, value: string | null] {
  const removed = /^([^=]+)-$/.exec(text)?.[1];
  return removed === undefined ? parseLabel(text) : [removed, null];
}
