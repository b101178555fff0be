import { type Event, parseEvents, YAMLException } from 'js-yaml';

/** Deeper than any schema of a CRD, and well within the stack. */
const maxDepth = 500;
/** Characters read again, in all, before the text counts as malformed. */
const maxRereadLength = 32 * 1024 * 1024;

/**
 * The events of a text, and the text that their offsets refer to. Kubernetes (libyaml) does not care how quoted text
 * and flow collections continue on the next line; YAML 1.2, and so the parser, wants them indented. The lines that it
 * names get more spaces, which mean nothing there. Throws YAMLException.
 */
export function readEvents(given: string): { events: Event[]; source: string } {
  let source = given;
  for (let reread = 0; ; reread += source.length) {
    try {
      return { events: parseEvents(source, { maxDepth }), source };
    } catch (error) {
      const offset = deficientAt(error);
      if (offset === undefined || reread > maxRereadLength) throw error;
      source = indentBefore(source, offset, 2 * deepestIndent(given) + 2);
    }
  }
}

function deficientAt(error: unknown): number | undefined {
  return error instanceof YAMLException && error.reason === 'deficient indentation' ? error.mark?.position : undefined;
}

/** Widens the white space that ends at the offset; tabs in it become spaces. */
function indentBefore(source: string, offset: number, indent: number): string {
  let start = offset;
  while (source[start - 1] === ' ' || source[start - 1] === '\t') start -= 1;
  const atLineStart = start === 0 || source[start - 1] === '\n' || source[start - 1] === '\r';
  const width = offset - start + (atLineStart ? indent : 0);
  return source.slice(0, start) + ' '.repeat(width) + source.slice(offset);
}

function deepestIndent(source: string): number {
  let deepest = 0;
  for (const [, indent = ''] of source.matchAll(/^( +)/gm)) deepest = Math.max(deepest, indent.length);
  return Math.min(deepest, 2 * maxDepth);
}
