import { EVENT_ID, type Event, getScalarValue, SCALAR_STYLE, type ScalarEvent } from 'js-yaml';
import { keyText, resolvePlain, resolveTagged, type Scalar } from './yaml-scalar.ts';

export interface ComposeOptions {
  /** A key that a mapping names twice: Kubernetes takes the last; `refuse` throws. */
  duplicateKeys: 'last' | 'refuse';
}

/** Thrown with the offset in the source; `yaml.ts` turns it into line and column. */
export class ComposeError extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

type Kind = 'scalar' | 'sequence' | 'mapping';
interface Composed {
  kind: Kind;
  value: unknown;
  /** Nodes in it, itself included, with aliases counted as what they stand for. */
  nodes: number;
  scalar?: Scalar;
}

interface State {
  source: string;
  events: readonly Event[];
  next: number;
  options: ComposeOptions;
  anchors: Map<string, Composed | 'open'>;
  handles: Map<string, string>;
  nodes: number;
  aliasedNodes: number;
}

const coreTags = 'tag:yaml.org,2002:';

/** Builds the first document of a parsed text; null for an empty one. Anchored values are copied where they are used. */
export function compose(source: string, events: readonly Event[], options: ComposeOptions): unknown {
  const [document] = events;
  if (document?.type !== EVENT_ID.DOCUMENT) return null;
  const state: State = {
    source,
    events,
    next: 1,
    options,
    anchors: new Map(),
    handles: new Map([['!!', coreTags]]),
    nodes: 0,
    aliasedNodes: 0,
  };
  for (const directive of document.directives) {
    if (directive.kind === 'tag') state.handles.set(directive.handle, directive.prefix);
    else if (directive.version !== '1.1') throw new ComposeError(`YAML ${directive.version} is not read here`, 0);
  }
  return events[1]?.type === EVENT_ID.POP ? null : jsonValue(state, composeNode(state));
}

function composeNode(state: State): Composed {
  const event = take(state);
  if (event.type === EVENT_ID.ALIAS) return composeAlias(state, event);
  if (event.type === EVENT_ID.DOCUMENT || event.type === EVENT_ID.POP) throw new ComposeError('a value is missing', 0);
  count(state, 1, false);
  const name = event.anchorStart < 0 ? undefined : state.source.slice(event.anchorStart, event.anchorEnd);
  if (name !== undefined) state.anchors.set(name, 'open');
  const composed = composeContent(state, event);
  if (name !== undefined) state.anchors.set(name, composed);
  return composed;
}

function composeContent(state: State, event: Exclude<Event, { type: 1 | 5 | 6 }>): Composed {
  if (event.type === EVENT_ID.SCALAR) {
    const scalar = scalarOf(state, event);
    return { kind: 'scalar', value: scalar.value, nodes: 1, scalar };
  }
  const before = state.nodes;
  const value = event.type === EVENT_ID.SEQUENCE ? composeSequence(state) : composeMapping(state);
  return {
    kind: event.type === EVENT_ID.SEQUENCE ? 'sequence' : 'mapping',
    value,
    nodes: state.nodes - before + 1,
  };
}

function composeAlias(state: State, event: { anchorStart: number; anchorEnd: number }): Composed {
  const name = state.source.slice(event.anchorStart, event.anchorEnd);
  const anchored = state.anchors.get(name);
  if (anchored === undefined) throw new ComposeError(`unknown anchor "${name}"`, event.anchorStart);
  if (anchored === 'open') throw new ComposeError(`anchor "${name}" contains itself`, event.anchorStart);
  count(state, 1, false);
  count(state, anchored.nodes, true);
  return { ...anchored, value: copyOf(anchored.value) };
}

/** go-yaml: with few nodes 99 % may come from aliases, with 4 million 10 %; against texts that grow exponentially. */
function count(state: State, nodes: number, aliased: boolean): void {
  state.nodes += nodes;
  if (!aliased) return;
  state.aliasedNodes += nodes;
  if (state.aliasedNodes <= 100 || state.nodes <= 1000) return;
  const scale = Math.min(1, Math.max(0, (state.nodes - 400_000) / 3_600_000));
  if (state.aliasedNodes / state.nodes > 0.99 - 0.89 * scale)
    throw new ComposeError('too much of the document comes from aliases', 0);
}

function composeSequence(state: State): unknown[] {
  const items: unknown[] = [];
  while (peek(state).type !== EVENT_ID.POP) items.push(jsonValue(state, composeNode(state)));
  take(state);
  return items;
}

function composeMapping(state: State): Record<string, unknown> {
  const mapping: Record<string, unknown> = {};
  const named = new Set<string>();
  while (peek(state).type !== EVENT_ID.POP) {
    if (isMergeKey(state)) composeMerge(state, mapping);
    else composeField(state, mapping, named);
  }
  take(state);
  return mapping;
}

function composeField(state: State, mapping: Record<string, unknown>, named: Set<string>): void {
  const offset = offsetOf(peek(state));
  const key = keyOf(composeNode(state), offset);
  if (state.options.duplicateKeys === 'refuse' && named.has(key))
    throw new ComposeError(`the key "${key}" is there twice`, offset);
  named.add(key);
  put(mapping, key, jsonValue(state, composeNode(state)));
}

function composeMerge(state: State, mapping: Record<string, unknown>): void {
  take(state);
  const entries = mergeSources(state).flatMap((source) => Object.entries(source));
  for (const [key, value] of entries) put(mapping, key, value);
}

function keyOf({ scalar }: Composed, offset: number): string {
  const key = scalar && keyText(scalar);
  if (key === undefined) throw new ComposeError('a key must be text, a number or a boolean', offset);
  return key;
}

/** `__proto__` is a key as any other. */
function put(mapping: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(mapping, key, { value, enumerable: true, configurable: true, writable: true });
  else mapping[key] = value;
}

function isMergeKey(state: State): boolean {
  const event = peek(state);
  if (event.type !== EVENT_ID.SCALAR || event.valueEnd - event.valueStart < 2) return false;
  if (getScalarValue(state.source, event) !== '<<') return false;
  const tag = tagOf(state, event);
  return tag === undefined ? event.style === SCALAR_STYLE.PLAIN : tag === `${coreTags}merge`;
}

/** The mappings of a merge key, the weaker ones first. go-yaml: what stands later in the mapping wins. */
function mergeSources(state: State): Record<string, unknown>[] {
  const event = peek(state);
  if (event.type !== EVENT_ID.SEQUENCE) return [mergeSource(state)];
  take(state);
  const sources: Record<string, unknown>[] = [];
  while (peek(state).type !== EVENT_ID.POP) sources.unshift(mergeSource(state));
  take(state);
  return sources;
}

function mergeSource(state: State): Record<string, unknown> {
  const offset = offsetOf(peek(state));
  const { kind, value } = composeNode(state);
  if (kind !== 'mapping') throw new ComposeError('a merge key needs a mapping or a list of mappings', offset);
  return value as Record<string, unknown>;
}

function scalarOf(state: State, event: ScalarEvent): Scalar {
  const text = textOf(state, event);
  const tag = tagOf(state, event);
  if (tag === undefined) return event.style === SCALAR_STYLE.PLAIN ? resolvePlain(text) : { type: 'str', value: text };
  if (!tag.startsWith(coreTags)) return { type: 'str', value: text };
  const name = tag.slice(coreTags.length);
  if (!['str', 'bool', 'int', 'float', 'null', 'timestamp', 'binary'].includes(name))
    return { type: 'str', value: text };
  const scalar = resolveTagged(name, text);
  if (!scalar) throw new ComposeError(`"${text.slice(0, 40)}" is not of the type !!${name}`, offsetOf(event));
  return scalar;
}

/** libyaml: JSON's `\/` and surrogate pairs are no escapes, and a block ends without a line break where the text does. */
function textOf({ source }: State, event: ScalarEvent): string {
  const text = getScalarValue(source, event);
  if (event.style === SCALAR_STYLE.DOUBLE_QUOTED && !event.fast) refuseEscapes(source, event);
  const block = event.style === SCALAR_STYLE.LITERAL_BLOCK || event.style === SCALAR_STYLE.FOLDED_BLOCK;
  const unended = block && event.valueEnd >= source.length && !/[\r\n]$/.test(source);
  return unended && text.endsWith('\n') ? text.slice(0, -1) : text;
}

function refuseEscapes(source: string, event: ScalarEvent): void {
  const raw = source.slice(event.valueStart, event.valueEnd);
  const [escape] = /(?<=(?:^|[^\\])(?:\\\\)*)\\(?:\/|[uU](?:0000)?[dD][89a-fA-F])/.exec(raw) ?? [];
  if (escape !== undefined) throw new ComposeError(`Kubernetes does not read the escape ${escape}`, event.valueStart);
}

/** The full name of an explicit tag; undefined for none. */
function tagOf(state: State, event: ScalarEvent): string | undefined {
  if (event.tagStart < 0) return undefined;
  const raw = state.source.slice(event.tagStart, event.tagEnd);
  if (raw.startsWith('!<')) return raw.slice(2, -1);
  const handle = raw.slice(0, raw.indexOf('!', 1) + 1) || '!';
  return (state.handles.get(handle) ?? handle) + raw.slice(handle.length);
}

function jsonValue(state: State, { value }: Composed): unknown {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new ComposeError(`${value} cannot be written as JSON`, offsetOf(state.events[state.next - 1]));
  return value;
}

function copyOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? structuredClone(value) : value;
}

function peek(state: State): Event {
  const event = state.events[state.next];
  if (event === undefined) throw new ComposeError('the document ends too early', state.source.length);
  return event;
}

function take(state: State): Event {
  const event = peek(state);
  state.next += 1;
  return event;
}

function offsetOf(event: Event | undefined): number {
  if (event === undefined) return 0;
  if ('valueStart' in event && event.valueStart >= 0) return event.valueStart;
  if ('start' in event) return event.start;
  return 'anchorStart' in event && event.anchorStart >= 0 ? event.anchorStart : 0;
}
