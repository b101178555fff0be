import { execute, type MissingKey } from './execution.ts';
import { mutatingFunctions } from './functions/dicts.ts';
import { templateFunctions, whyNotCallable } from './functions/function-map.ts';
import { deepCopyMap } from './merge.ts';
import type { Node } from './node.ts';
import { parseTemplate } from './parser.ts';
import { TemplateError } from './template-error.ts';
import type { GoMap } from './value.ts';

/** Renders a template text with one set of parameters. Throws a TemplateError. */
export type Render = (params: GoMap) => string;

/** Argo CD: every template is called `base`. */
const name = 'base';

/** Go: `text/template` with the functions of Argo CD. Parse errors are thrown here, the others by the result. */
export function compileGoTemplate(text: string, missingKey: MissingKey): Render {
  if (!text.includes('{{')) return () => text;
  const used = new Set<string>();
  const definitions = parseTemplate(text, {
    name,
    whyNotCallable: (called) => {
      used.add(called);
      return whyNotCallable(called);
    },
  });
  const context = { name, text, definitions, functions: templateFunctions, missingKey };
  const general: Render = (params) => execute(context, params);
  if ([...used].some((called) => mutatingFunctions.has(called))) return (params) => general(deepCopyMap(params));
  return compilePaths(definitions.get(name) ?? [], general) ?? general;
}

/** Text, or the keys that lead to a value. */
type Segment = string | string[];

/** Most templates are texts and paths to strings: those need no execution. Whatever is unusual goes the general way. */
function compilePaths(nodes: Node[], general: Render): Render | undefined {
  const segments: Segment[] = [];
  for (const node of nodes) {
    const segment = segmentOf(node);
    if (segment === undefined) return undefined;
    segments.push(segment);
  }
  return (params) => {
    let output = '';
    for (const segment of segments) {
      const text = typeof segment === 'string' ? segment : textAt(params, segment);
      if (text === undefined) return general(params);
      output += text;
    }
    return output;
  };
}

function segmentOf(node: Node): Segment | undefined {
  if (node.type === 'text') return node.text;
  if (node.type !== 'action' || node.pipe.declarations.length > 0 || node.pipe.commands.length !== 1) return undefined;
  const [command] = node.pipe.commands;
  const operand = command?.args.length === 1 ? command.args[0] : undefined;
  return operand?.type === 'field' ? operand.path : undefined;
}

function textAt(params: GoMap, path: string[]): string | undefined {
  let value: unknown = params;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === 'string' ? value : undefined;
}

const missingKeys: ReadonlySet<string> = new Set<MissingKey>(['default', 'invalid', 'zero', 'error']);

/** Go: `Template.Option`; the last of several wins. Throws on an option that Go does not know. */
export function parseTemplateOptions(options: readonly string[] = []): MissingKey {
  let missingKey: MissingKey = 'default';
  for (const option of options) {
    const value = /^missingkey=(.*)$/.exec(option)?.[1] ?? '';
    if (!missingKeys.has(value)) throw new TemplateError(`unrecognized template option ${JSON.stringify(option)}`);
    missingKey = value as MissingKey;
  }
  return missingKey;
}
