import { runes } from './letter.ts';
/** Go indexes strings by byte. Text that a cut leaves incomplete shows as U+FFFD, as Go's JSON encoder writes it. */
export function sliceBytes(text: string, start: number, end?: number): string {
  if (isAscii(text)) return text.slice(start, end);
  return Buffer.from(text).subarray(start, end).toString();
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** The largest text that one function may make; a template that asks for more is a mistake. */
const maxTextLength = 10_000_000;

export function repeatText(text: string, count: number): string {
  if (count < 0) throw new Error('strings: negative Repeat count');
  if (text.length * count > maxTextLength) throw new Error(`text longer than ${maxTextLength} characters`);
  return text.repeat(count);
}

/** Go: `strings.SplitN`. */
export function splitText(text: string, separator: string, count = -1): string[] {
  if (count === 0) return [];
  const parts = separator === '' ? runes(text) : text.split(separator);
  if (count < 0 || parts.length <= count) return parts;
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(separator)];
}
