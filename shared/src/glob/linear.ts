import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';
import { FleetError } from '../errors/fleet-error.ts';

/** A RegExp with so many stars and alternatives backtracks at most over the square of a text: nothing for a short one. */
const maxChoices = 2;
const maxShortText = 256;

/** RE2 takes a millisecond to compile, and the patterns of a project are compared with each of its Applications. */
const compiled = new LRUCache<string, (text: string) => boolean>({ max: 1_000 });

/**
 * Whether the regular expression of a glob matches a whole text. RegExp tries every way to share a text among stars, for hours
 * with a dozen of them: only what is simple is left to it, as it is quicker, and RE2 does the rest. Throws Invalid.
 */
export function compileLinear(source: string): (text: string) => boolean {
  const known = compiled.get(source);
  if (known) return known;
  const matches = compileAnew(source);
  compiled.set(source, matches);
  return matches;
}

function compileAnew(source: string): (text: string) => boolean {
  const whole = `^(?:${source})$`;
  const native = countChoices(source) <= maxChoices ? compile(source, () => new RegExp(whole, 'su')) : undefined;
  const compileRe2 = () => compile(source, () => RE2JS.compile(whole, RE2JS.DOTALL));
  let re2 = native ? undefined : compileRe2();
  return (text) => {
    if (native && text.length <= maxShortText) return native.test(text);
    re2 ??= compileRe2();
    return re2.test(text);
  };
}

/** Stars, optional parts and alternatives, outside of classes. */
function countChoices(source: string): number {
  const bare = source.replaceAll(/\\.|\[(?:\\.|[^\]\\])*\]|\(\?:/gsu, '');
  return bare.match(/[*+?|]/gu)?.length ?? 0;
}

function compile<T>(source: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FleetError('Invalid', `a pattern cannot be read: ${reason.slice(0, 200)}`, {
      details: { source: source.slice(0, 200) },
      cause,
    });
  }
}
