import { GoStruct, isSlice, sortedKeys, type Value } from '../value.ts';
import { formatFloat } from './float.ts';

/** Go: `fmt`'s `%v`, maps by sorted key. */
export function formatValue(value: Value): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return formatFloat(value, 'g');
    case 'boolean':
      return value ? 'true' : 'false';
    case 'undefined':
      return '<nil>';
    default:
      return formatComposite(value);
  }
}

function formatComposite(value: Exclude<Value, undefined | string | number | boolean>): string {
  if (value === null) return '<nil>';
  if (value instanceof GoStruct) return value.toString();
  if (isSlice(value)) return `[${value.map(formatValue).join(' ')}]`;
  return `map[${sortedKeys(value)
    .map((key) => `${key}:${formatValue(value[key])}`)
    .join(' ')}]`;
}

/** Go: `fmt.Sprint`: a space between operands when neither is a string. */
export function sprint(values: Value[]): string {
  let text = '';
  for (const [index, value] of values.entries()) {
    const spaced = index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string';
    text += (spaced ? ' ' : '') + formatValue(value);
  }
  return text;
}

/** Go: `fmt.Sprintln`. */
export function sprintln(values: Value[]): string {
  return `${values.map(formatValue).join(' ')}\n`;
}
