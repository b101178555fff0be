/**
 * The values a template sees. Go's `text/template` works on typed values, so its semantics need a few types that JSON lacks:
 * `undefined` is Go's invalid value (an absent map entry), `null` a nil interface, a JavaScript number a `float64`
 * (all that JSON decodes to), `Int` any integer kind, `StringMap` a `map[string]string`, the slices below `[]string` and so on.
 */
export type Value = undefined | null | boolean | number | string | GoStruct | Value[] | GoMap;

/** `map[string]interface {}`, or `map[string]string` when made by {@link stringMap}. */
export interface GoMap {
  [key: string]: Value;
}

/** A Go value that is neither a basic type, a slice nor a map. */
export abstract class GoStruct {
  abstract readonly kind: string;
  abstract readonly typeName: string;
  /** What `%v` prints. */
  abstract toString(): string;
  /** Methods that a template may call, by Go's name. */
  readonly methods: Record<string, (...args: Value[]) => Value> = {};
}

export type IntKind = 'int' | 'int32' | 'int64' | 'uint8' | 'uint32' | 'uint64';

export class Int extends GoStruct {
  readonly value: bigint;
  readonly kind: IntKind;
  constructor(value: bigint | number, kind: IntKind = 'int') {
    super();
    this.value = BigInt.asIntN(64, BigInt(value));
    this.kind = kind;
  }
  get typeName(): string {
    return this.kind;
  }
  override toString(): string {
    return this.value.toString();
  }
  toJSON(): number {
    return Number(this.value);
  }
}

export class Complex extends GoStruct {
  readonly kind = 'complex128';
  readonly typeName = 'complex128';
  readonly real: number;
  readonly imaginary: number;
  constructor(real: number, imaginary: number) {
    super();
    this.real = real;
    this.imaginary = imaginary;
  }
  override toString(): string {
    const sign = this.imaginary < 0 || Object.is(this.imaginary, -0) ? '' : '+';
    return `(${this.real}${sign}${this.imaginary}i)`;
  }
}

abstract class TypedSlice extends Array<Value> {
  abstract get element(): string;
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

class StringSlice extends TypedSlice {
  get element(): string {
    return 'string';
  }
}

class IntSlice extends TypedSlice {
  get element(): string {
    return 'int';
  }
}

class MapSlice extends TypedSlice {
  get element(): string {
    return 'map[string]interface {}';
  }
}

function fill<T extends Value[]>(slice: T, values: readonly Value[]): T {
  for (const value of values) slice.push(value);
  return slice;
}

/** `[]string`. */
export function stringSlice(values: readonly string[]): Value[] {
  return fill(new StringSlice(), values);
}

/** `[]int`. */
export function intSlice(values: readonly number[]): Value[] {
  return fill(
    new IntSlice(),
    values.map((value) => new Int(value)),
  );
}

/** `[]map[string]interface {}`. */
export function mapSlice(values: readonly GoMap[]): Value[] {
  return fill(new MapSlice(), values);
}

const stringMapPrototype: GoMap = Object.freeze(Object.create(null) as GoMap);
const mapPrototype: GoMap = Object.freeze(Object.create(null) as GoMap);

/** An empty `map[string]interface {}` without inherited keys. */
export function newMap(): GoMap {
  return Object.create(mapPrototype) as GoMap;
}

/** `map[string]string`: a key that is absent reads as the empty string through `index`. */
export function stringMap(entries: Record<string, string> = {}): GoMap {
  const map = Object.create(stringMapPrototype) as GoMap;
  for (const key of Object.keys(entries)) map[key] = entries[key];
  return map;
}

export function isStringMap(value: unknown): value is GoMap {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === stringMapPrototype;
}

export function isSlice(value: Value): value is Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is GoMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof GoStruct);
}

/** `interface {}` unless the slice has a narrower element type. */
export function elementType(slice: Value[]): string {
  return slice instanceof TypedSlice ? slice.element : 'interface {}';
}

/** A new slice of the same element type. */
export function sliceLike(slice: Value[], values: Value[]): Value[] {
  if (slice instanceof StringSlice) return fill(new StringSlice(), values);
  if (slice instanceof IntSlice) return fill(new IntSlice(), values);
  if (slice instanceof MapSlice) return fill(new MapSlice(), values);
  return values;
}

/** Go: `reflect.Kind.String()`. */
export function kindOf(value: Value): string {
  if (value === undefined || value === null) return 'invalid';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'string') return 'string';
  if (isSlice(value)) return 'slice';
  return value instanceof GoStruct ? value.kind : 'map';
}

/** Go: `%T`. */
export function typeName(value: Value): string {
  if (value === undefined || value === null) return '<nil>';
  if (isSlice(value)) return `[]${elementType(value)}`;
  if (value instanceof GoStruct) return value.typeName;
  if (typeof value === 'object') return isStringMap(value) ? 'map[string]string' : 'map[string]interface {}';
  return kindOf(value);
}

/** The keys of a map in Go's print order: by bytes. */
export function sortedKeys(map: GoMap): string[] {
  return Object.keys(map).sort(compareStrings);
}

/** Orders as Go does, by UTF-8 bytes (which is by code point, not by UTF-16 unit). */
export function compareStrings(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  let at = 0;
  while (at < length && left.charCodeAt(at) === right.charCodeAt(at)) at += 1;
  if (at === length) return left.length - right.length;
  return order(left.charCodeAt(at)) - order(right.charCodeAt(at));
}

// Surrogates stand for code points above every other UTF-16 unit.
function order(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}

export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

export function isNil(value: Value): value is undefined | null {
  return value === undefined || value === null;
}

/** Go: the zero value of a type: no, 0, nothing in it; and nil. */
export function isZero(value: Value): boolean {
  // not a number is not zero
  if (typeof value === 'number') return value === 0;
  if (typeof value !== 'object') return !value;
  if (value === null) return true;
  if (isSlice(value)) return value.length === 0;
  if (value instanceof Int) return value.value === 0n;
  if (value instanceof Complex) return value.real === 0 && value.imaginary === 0;
  return !(value instanceof GoStruct) && Object.keys(value).length === 0;
}

/** Go: `text/template`'s truth. */
export function isTrue(value: Value): boolean {
  return !isZero(value);
}

/** Go: `reflect.DeepEqual`, types included. */
export function deepEqual(left: Value, right: Value): boolean {
  if (left === right || (isNil(left) && isNil(right))) return true;
  if (typeName(left) !== typeName(right)) return false;
  if (isSlice(left)) return isSlice(right) && sameItems(left, right);
  if (isMap(left)) return isMap(right) && sameEntries(left, right);
  return sameStruct(left, right);
}

/** Go: structs are equal when their fields are; here their text has all of them. */
export function sameStruct(left: Value, right: Value): boolean {
  return left instanceof GoStruct && right instanceof GoStruct && left.toString() === right.toString();
}

function sameItems(left: Value[], right: Value[]): boolean {
  return left.length === right.length && left.every((item, index) => deepEqual(item, right[index]));
}

function sameEntries(left: GoMap, right: GoMap): boolean {
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && deepEqual(left[key], right[key]))
  );
}
