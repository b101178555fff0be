/**
 * The simple path form of jq, as `ignoreDifferences.jqPathExpressions` mostly uses it: `.spec.replicas`, `.a["b/c"]`,
 * `.a[0]`, `.a.b[].c`, `.a[] | select(.name == "x") | .y`, each with an optional `?`.
 */
export type PathStep = { field: string } | { index: number } | 'each' | { where: string[]; equals: unknown };

const step =
  /^\.?(?:([A-Za-z_][\w$]*)|"((?:[^"\\]|\\.)*)"|\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\[\s*(-?\d+)\s*\]|(\[\s*\]))\??/;
const selection = /^select\(\s*(\.[^=|()]+?)\s*==\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null)\s*\)$/;

/** The steps of an expression; undefined when it is jq, but not of this form. */
export function parseJqPath(expression: string): PathStep[] | undefined {
  const steps: PathStep[] = [];
  for (const part of splitPipes(expression)) {
    const parsed = part.startsWith('select(') ? parseSelection(part) : parsePath(part);
    if (!parsed) return undefined;
    steps.push(...parsed);
  }
  return steps.length > 0 ? steps : undefined;
}

function splitPipes(expression: string): string[] {
  return expression.split(/\|(?=(?:[^"]*"[^"]*")*[^"]*$)/).map((part) => part.trim());
}

function parseSelection(part: string): PathStep[] | undefined {
  const [, path = '', literal = ''] = selection.exec(part) ?? [];
  const where = parsePath(path)?.map((found) =>
    typeof found === 'object' && 'field' in found ? found.field : undefined,
  );
  if (!where || where.some((field) => field === undefined)) return undefined;
  return [{ where: where as string[], equals: JSON.parse(literal) as unknown }];
}

function parsePath(path: string): PathStep[] | undefined {
  if (!path.startsWith('.') || path.startsWith('..')) return undefined;
  const steps: PathStep[] = [];
  for (let rest = path; rest !== ''; ) {
    const match = step.exec(rest);
    if (!match) return undefined;
    steps.push(stepOf(match));
    rest = rest.slice(match[0].length);
  }
  return steps;
}

function stepOf([, name, quoted, bracketed, index]: RegExpExecArray): PathStep {
  if (name !== undefined) return { field: name };
  const text = quoted ?? bracketed;
  if (text !== undefined) return { field: JSON.parse(`"${text}"`) as string };
  return index === undefined ? 'each' : { index: Number(index) };
}

/** RFC 6901. A number also stands for a field of that name, as the object decides. */
export function parseJsonPointer(pointer: string): PathStep[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => ({ field: token.replaceAll('~1', '/').replaceAll('~0', '~') }));
}
