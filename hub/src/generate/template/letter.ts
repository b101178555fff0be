/** Go maps letters one by one: no special casing (ß stays, İ is i) and no final sigma. */
export function lowerCase(text: string): string {
  // oxlint-disable-next-line no-control-regex -- ASCII has no special cases.
  if (/^[\u0000-\u007f]*$/.test(text)) return text.toLowerCase();
  return runes(text)
    .map((char) => String.fromCodePoint(char.toLowerCase().codePointAt(0) ?? 0))
    .join('');
}

export function upperCase(text: string): string {
  // oxlint-disable-next-line no-control-regex -- ASCII has no special cases.
  if (/^[\u0000-\u007f]*$/.test(text)) return text.toUpperCase();
  return runes(text).map(upperChar).join('');
}

function upperChar(char: string): string {
  const upper = char.toUpperCase();
  return runes(upper).length === 1 ? upper : char;
}

/** Go: the runes of a text, which are its code points. */
export function runes(text: string): string[] {
  return Array.from(text);
}
