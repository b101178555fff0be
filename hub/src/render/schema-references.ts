/** Keywords of JSON Schema that have a validator load what they name. */
const loading = new Set(['$schema', '$ref', '$dynamicRef', '$recursiveRef']);

/**
 * Why a values.schema.json is refused: it is no JSON, or refers to what it does not hold itself. A validator takes a path, or an
 * URL without a scheme, for a file of the machine that it runs on, and its error says whether that is there.
 */
export function whyNotOwnSchema(text: string): string | undefined {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    return `is not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  const { ids, found } = namesIn(schema);
  const foreign = found.find(({ keyword, url }) => !isOwn(keyword, url, ids));
  return foreign && describeForeign(foreign);
}

/** Wherever they stand: what of a schema is data depends on its draft. */
function namesIn(schema: unknown): { ids: Set<string>; found: { keyword: string; url: string }[] } {
  const found: { keyword: string; url: string }[] = [];
  const ids = new Set<string>();
  const left = [schema];
  while (left.length > 0) {
    for (const [keyword, inner] of Object.entries(left.pop() ?? {})) {
      if (typeof inner === 'object') left.push(inner);
      else if (typeof inner !== 'string') continue;
      else if (keyword === '$id' || keyword === 'id') ids.add(withoutFragment(inner));
      else if (loading.has(keyword)) found.push({ keyword, url: inner });
    }
  }
  return { ids, found };
}

/** Only what has a scheme of its own can be a name that nothing is ever read from a disk for. */
function isOwn(keyword: string, url: string, ids: ReadonlySet<string>): boolean {
  if (keyword === '$schema') return /^https?:\/\//u.test(url);
  return url.startsWith('#') || (/^(?:https?:\/\/|urn:)/u.test(url) && ids.has(withoutFragment(url)));
}

function withoutFragment(url: string): string {
  return url.replace(/#.*$/su, '');
}

function describeForeign({ keyword, url }: { keyword: string; url: string }): string {
  const shown = JSON.stringify(url.slice(0, 200));
  if (keyword === '$schema') return `names ${shown} as its $schema: write the https URL of a JSON Schema draft`;
  return `has a ${keyword} to ${shown}, which is not part of it: put that below "$defs" and refer to "#/$defs/NAME"`;
}
