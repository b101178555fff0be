/**
 * The one way in for YAML: text means what Kubernetes means by it (sigs.k8s.io/yaml, and apimachinery's decoder for
 * streams). Values are plain JSON values, except that integers beyond 2^53 are bigints; write them with
 * `canonicalJson` or `formatYaml`, because JSON.stringify throws on a bigint. Never resolves tags to anything but JSON.
 */
import { defineScalarTag, dump, mapTag, NOT_RESOLVED, Schema, seqTag, strTag, YAMLException } from 'js-yaml';
import { FleetError } from '../errors/fleet-error.ts';
import { parseJsonStream } from './json.ts';
import { ComposeError, compose } from './yaml-compose.ts';
import { readEvents } from './yaml-events.ts';
import { resolvePlain } from './yaml-scalar.ts';

export interface YamlOptions {
  /** A key that a mapping names twice: Kubernetes takes the `last` (default); `refuse` throws. */
  duplicateKeys?: 'last' | 'refuse';
  /** Longer texts throw TooLarge before they are read; in characters, 10 Mi by default. */
  maxLength?: number;
  /** Line of a longer text that this one begins on; errors count from it. 1 by default. */
  firstLine?: number;
}

const defaultMaxLength = 10 * 1024 * 1024;

/** Reads the first document. Throws Malformed with line and column, or TooLarge. */
export function parseYaml(text: string, options: YamlOptions = {}): unknown {
  refuseLong(text, options);
  return parseAt(text, linesBefore(options), options);
}

/** Reads all documents, empty ones as null. Throws what `parseYaml` throws. */
export function parseYamlStream(text: string, options: YamlOptions = {}): unknown[] {
  return [...readYamlStream(text, options)];
}

/** Yields documents one by one, so that those before a malformed one can be had. */
export function* readYamlStream(text: string, options: YamlOptions = {}): Generator {
  refuseLong(text, options);
  const before = linesBefore(options);
  let rest = 0;
  if (/^\s*\{/.test(text)) {
    const { documents, end } = parseJsonStream(text);
    yield* documents;
    if (end === text.length) return;
    if (documents.length > 1)
      throw malformedAt('this is not JSON as what stands before it', before + countLines(text, end) + 1, 1);
    rest = end + (/^[^\S\n]*\n?/.exec(text.slice(end))?.[0].length ?? 0);
  }
  for (const { chunk, line } of splitDocuments(text.slice(rest), before + countLines(text, rest)))
    yield parseAt(chunk, line, options);
}

function linesBefore({ firstLine = 1 }: YamlOptions): number {
  return firstLine - 1;
}

function refuseLong(text: string, { maxLength = defaultMaxLength }: YamlOptions): void {
  if (text.length > maxLength)
    throw new FleetError('TooLarge', `a text of ${text.length} characters; at most ${maxLength} are read`, {
      details: { length: text.length, maxLength },
    });
}

function parseAt(text: string, lineOffset: number, { duplicateKeys = 'last' }: YamlOptions): unknown {
  const json = jsonOf(text);
  if (json !== undefined) return json;
  try {
    const { events, source } = readEvents(text);
    return compose(source, events, { duplicateKeys });
  } catch (error) {
    throw malformed(error, text, lineOffset);
  }
}

/** JSON is read as such: faster, and its escapes and tabs are not those of YAML. */
function jsonOf(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  const { documents, end } = parseJsonStream(text);
  return end === text.length ? documents[0] : undefined;
}

/** Kubernetes: a line that begins with `---` separates; only a comment may follow on it. */
function* splitDocuments(text: string, lineOffset: number): Generator<{ chunk: string; line: number }> {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  let start = 0;
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('---')) continue;
    const trailing = line.slice(3).trim();
    if (trailing !== '' && !trailing.startsWith('#'))
      throw malformedAt(`only a comment may follow "---", not "${trailing.slice(0, 40)}"`, lineOffset + index + 1, 4);
    if (index > start) yield { chunk: chunkOf(lines, start, index), line: lineOffset + start };
    start = index > start ? index + 1 : index;
  }
  if (start < lines.length) yield { chunk: chunkOf(lines, start, lines.length), line: lineOffset + start };
}

function chunkOf(lines: string[], start: number, end: number): string {
  return `${lines.slice(start, end).join('\n')}\n`;
}

function malformed(error: unknown, text: string, lineOffset: number): unknown {
  if (error instanceof ComposeError) {
    const line = countLines(text, error.offset) + 1;
    const column = error.offset - text.lastIndexOf('\n', error.offset - 1);
    return malformedAt(error.message, lineOffset + line, column);
  }
  if (!(error instanceof YAMLException)) return error;
  const { line = 0, column = 0 } = error.mark ?? {};
  return malformedAt(error.reason, lineOffset + line + 1, column + 1);
}

function malformedAt(reason: string, line: number, column: number): FleetError {
  return new FleetError('Malformed', `YAML, line ${line}, column ${column}: ${reason}`, { details: { line, column } });
}

function countLines(text: string, end: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

/** What Kubernetes reads as something else than text; the writer puts quotes around such text. */
const notText = defineScalarTag('tag:wheelhouse,2026:scalar', {
  implicit: true,
  resolve: (text) => (resolvePlain(text).type === 'str' && text !== '<<' ? NOT_RESOLVED : text),
  identify: (value) => value === null || ['number', 'bigint', 'boolean'].includes(typeof value),
  represent: String,
});
const writing = new Schema([strTag, notText, seqTag, mapTag]);

/** Writes one document that Kubernetes, and `parseYaml`, read back as the same value; keys in their order. */
export function formatYaml(value: unknown): string {
  return dump(value, { schema: writing, noRefs: true, lineWidth: -1 });
}
