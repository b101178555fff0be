import type { Complex } from './value.ts';

/** The syntax tree of a template. `at` is the offset in the text that errors point to. */
export type Node = TextNode | ActionNode | IfNode | RangeNode | TemplateNode | BreakNode | ContinueNode;

export interface TextNode {
  type: 'text';
  at: number;
  text: string;
}

export interface ActionNode {
  type: 'action';
  at: number;
  pipe: PipeNode;
}

export interface IfNode {
  type: 'if' | 'with';
  at: number;
  pipe: PipeNode;
  list: Node[];
  orElse?: Node[];
}

export interface RangeNode {
  type: 'range';
  at: number;
  pipe: PipeNode;
  list: Node[];
  orElse?: Node[];
}

export interface TemplateNode {
  type: 'template';
  at: number;
  name: string;
  pipe?: PipeNode;
}

export interface BreakNode {
  type: 'break';
  at: number;
}

export interface ContinueNode {
  type: 'continue';
  at: number;
}

export interface PipeNode {
  type: 'pipe';
  at: number;
  /** Names with their `$`. */
  declarations: string[];
  assigns: boolean;
  commands: CommandNode[];
}

export interface CommandNode {
  type: 'command';
  at: number;
  args: [Operand, ...Operand[]];
}

export type Operand =
  | { type: 'field'; at: number; path: string[] }
  | { type: 'variable'; at: number; name: string; path: string[] }
  | { type: 'chain'; at: number; node: Operand; path: string[] }
  | { type: 'identifier'; at: number; name: string }
  | { type: 'dot'; at: number }
  | { type: 'nil'; at: number }
  | { type: 'bool'; at: number; value: boolean }
  | { type: 'string'; at: number; quoted: string; value: string }
  | NumberNode
  | PipeNode;

/** A constant takes the type of the parameter that it is used for; each field is set when the text fits that type. */
export interface NumberNode {
  type: 'number';
  at: number;
  text: string;
  int?: bigint;
  uint?: bigint;
  float?: number;
  complex?: Complex;
}

/** Renders a node as it stands in the source, for error messages. */
export function formatNode(node: Node | Operand | CommandNode): string {
  switch (node.type) {
    case 'text':
      return JSON.stringify(node.text);
    case 'action':
      return `{{${formatNode(node.pipe)}}}`;
    case 'if':
    case 'with':
    case 'range':
      return `{{${node.type} ${formatNode(node.pipe)}}}`;
    case 'template':
      return `{{template ${JSON.stringify(node.name)}${node.pipe === undefined ? '' : ` ${formatNode(node.pipe)}`}}}`;
    case 'break':
    case 'continue':
      return `{{${node.type}}}`;
    default:
      return formatOperand(node);
  }
}

function formatOperand(node: Operand | CommandNode): string {
  switch (node.type) {
    case 'command':
      return node.args.map((arg) => (arg.type === 'pipe' ? `(${formatOperand(arg)})` : formatOperand(arg))).join(' ');
    case 'pipe':
      return formatPipe(node);
    case 'field':
      return `.${node.path.join('.')}`;
    case 'variable':
      return [node.name, ...node.path].join('.');
    case 'chain':
      return `${node.node.type === 'pipe' ? `(${formatOperand(node.node)})` : formatOperand(node.node)}.${node.path.join('.')}`;
    default:
      return formatLiteral(node);
  }
}

function formatLiteral(node: Exclude<Operand, PipeNode>): string {
  if (node.type === 'identifier') return node.name;
  if (node.type === 'bool') return String(node.value);
  if (node.type === 'string') return node.quoted;
  if (node.type === 'number') return node.text;
  return node.type === 'nil' ? 'nil' : '.';
}

function formatPipe(node: PipeNode): string {
  const declared = node.declarations.length > 0 ? `${node.declarations.join(', ')} ${node.assigns ? '=' : ':='} ` : '';
  return declared + node.commands.map(formatOperand).join(' | ');
}
