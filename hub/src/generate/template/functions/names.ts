import { sliceBytes } from '../byte-text.ts';
import { type FunctionMap, fn, variadic } from '../go-function.ts';
import { lowerCase } from '../letter.ts';
import { Int, typeName, type Value } from '../value.ts';

const maxNameLength = 253;

/** Argo CD: a text as a DNS name: lower case, every other character a dash, at most 253 long, no dash or dot at its ends. */
export function normalizeName(name: string): string {
  const safe = lowerCase(name)
    .replaceAll(/[^-a-z0-9.]/gu, '-')
    .slice(0, maxNameLength);
  return safe.replaceAll(/^[-.]+|[-.]+$/g, '');
}

/** Argo CD: a text as a slug; a smart one is cut at the last whole word that fits. */
export function slugify(name: string, maxLength = 50, smart = true): string {
  const safe = normalizeName(name);
  const cut = smart || safe.length < maxLength ? safe : sliceChecked(safe, maxLength);
  const slug = cut
    .replaceAll(/[^a-z0-9_-]/g, '-')
    .replaceAll(/-+/g, '-')
    .replaceAll(/^[-_]+|[-_]+$/g, '');
  return smart && maxLength > 0 ? cutAtWord(slug, maxLength) : slug;
}

function sliceChecked(text: string, length: number): string {
  if (length < 0) throw new Error(`runtime error: slice bounds out of range [:${length}]`);
  return sliceBytes(text, 0, length);
}

function cutAtWord(slug: string, maxLength: number): string {
  if (slug.length <= maxLength) return slug;
  const dash = slug.lastIndexOf('-', maxLength);
  return slug.slice(0, dash < 0 ? maxLength : dash);
}

function slugifyFunction(...args: Value[]): string {
  const name = args.length > 0 ? args.at(-1) : '';
  const maxLength = args.length > 1 ? args[0] : new Int(50);
  const smart = args.length > 2 ? args[1] : true;
  if (typeof name !== 'string') throw conversion(name, 'string');
  if (!(maxLength instanceof Int) || maxLength.kind !== 'int') throw conversion(maxLength, 'int');
  if (typeof smart !== 'boolean') throw conversion(smart, 'bool');
  return slugify(name, Number(maxLength.value), smart);
}

function conversion(value: Value, wanted: string): Error {
  return new Error(`interface conversion: interface {} is ${typeName(value)}, not ${wanted}`);
}

/** Argo CD: names for Kubernetes objects. */
export const nameFunctions: FunctionMap = {
  normalize: fn(['string'], normalizeName),
  slugify: variadic([], 'any', slugifyFunction),
};
