import { type Token, type TokenType, tokenize } from './lexer.ts';
import { parseCharacter, parseComplex, parseNumber, unquote } from './literal.ts';
import {
  type CommandNode,
  formatNode,
  type IfNode,
  type Node,
  type Operand,
  type PipeNode,
  type RangeNode,
} from './node.ts';
import { TemplateError } from './template-error.ts';

/** Every template that a text defines, by name. */
export type Definitions = Map<string, Node[]>;

export interface ParseOptions {
  /** The name of the text's own template. */
  name: string;
  /** Why a function may not be called, or undefined when it may. */
  whyNotCallable(name: string): string | undefined;
}

/** Terms that stand for themselves: they take no fields, and nothing can be piped into them. */
const literals: ReadonlySet<string> = new Set(['bool', 'dot', 'nil', 'number', 'string']);

/** Parses a template text. Throws a TemplateError that names the template and the line. */
export function parseTemplate(text: string, options: ParseOptions): Definitions {
  return new Parser(text, options).parse();
}

type Terminator = 'end' | 'else';
const operandTypes: ReadonlySet<TokenType> = new Set([
  'bool',
  'charConstant',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  'openParen',
]);

class Parser {
  private readonly text: string;
  private readonly options: ParseOptions;
  private readonly tokens: Token[];
  private readonly definitions: Definitions = new Map();
  private at = 0;
  private variables = ['$'];
  private ranges = 0;

  constructor(text: string, options: ParseOptions) {
    this.text = text;
    this.options = options;
    this.tokens = tokenize(text);
  }

  parse(): Definitions {
    const root: Node[] = [];
    while (this.peek().type !== 'eof') {
      if (this.startsDefinition()) {
        this.definition();
        continue;
      }
      const node = this.textOrAction();
      if (typeof node === 'string') this.fail(`unexpected {{${node}}}`);
      root.push(node);
    }
    this.define(this.options.name, root);
    return this.definitions;
  }

  private fail(message: string, at = this.peek().at): never {
    const line = this.text.slice(0, at).split('\n').length;
    throw new TemplateError(`template: ${this.options.name}:${line}: ${message}`);
  }

  private attempt<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof TemplateError && !error.message.startsWith('template: ')) this.fail(error.message);
      throw error;
    }
  }

  private peek(): Token {
    return this.tokens[Math.min(this.at, this.tokens.length - 1)] as Token;
  }

  private next(): Token {
    const token = this.peek();
    if (token.type === 'error') this.fail(token.text, token.at);
    this.at += 1;
    return token;
  }

  private peekNonSpace(): Token {
    while (this.peek().type === 'space') this.at += 1;
    return this.peek();
  }

  private nextNonSpace(): Token {
    this.peekNonSpace();
    return this.next();
  }

  private unexpected(token: Token, context: string): never {
    if (token.type === 'error') this.fail(token.text, token.at);
    if (token.type === 'eof') this.fail('unexpected EOF');
    this.fail(`unexpected ${JSON.stringify(token.text)} in ${context}`, token.at);
  }

  private expect(type: TokenType, context: string): Token {
    const token = this.nextNonSpace();
    if (token.type !== type) this.unexpected(token, context);
    return token;
  }

  private startsDefinition(): boolean {
    const begin = this.at;
    if (this.peek().type === 'left') {
      this.at += 1;
      const token = this.peekNonSpace();
      if (token.type === 'keyword' && token.text === 'define') {
        this.at += 1;
        return true;
      }
    }
    this.at = begin;
    return false;
  }

  private definition(): void {
    const name = this.templateName('define clause');
    this.expect('right', 'define clause');
    this.define(name, this.body('define clause'));
  }

  /** Parses an independent template body up to its `end`. */
  private body(context: string): Node[] {
    const outer = { variables: this.variables, ranges: this.ranges };
    this.variables = ['$'];
    this.ranges = 0;
    const { list, terminator } = this.list();
    if (terminator !== 'end') this.fail(`unexpected {{else}} in ${context}`);
    this.variables = outer.variables;
    this.ranges = outer.ranges;
    return list;
  }

  private define(name: string, list: Node[]): void {
    const known = this.definitions.get(name);
    if (known !== undefined && !isEmpty(known)) {
      if (!isEmpty(list)) this.fail(`template: multiple definition of template ${JSON.stringify(name)}`);
      return;
    }
    this.definitions.set(name, list);
  }

  private templateName(context: string): string {
    const token = this.nextNonSpace();
    if (token.type !== 'string' && token.type !== 'rawString') this.unexpected(token, context);
    return this.attempt(() => unquote(token.text));
  }

  /** Reads nodes up to `{{end}}` or `{{else}}`; after `else` the rest of that action is still to be read. */
  private list(): { list: Node[]; terminator: Terminator } {
    const list: Node[] = [];
    while (this.peekNonSpace().type !== 'eof') {
      const node = this.textOrAction();
      if (typeof node === 'string') return { list, terminator: node };
      list.push(node);
    }
    return this.fail('unexpected EOF');
  }

  private textOrAction(): Node | Terminator {
    const token = this.nextNonSpace();
    if (token.type === 'text') return { type: 'text', at: token.at, text: token.text };
    return token.type === 'left' ? this.action() : this.unexpected(token, 'input');
  }

  private action(): Node | Terminator {
    const token = this.peekNonSpace();
    if (token.type === 'keyword') {
      this.at += 1;
      return this.keyword(token);
    }
    return { type: 'action', at: token.at, pipe: this.pipeline('command', 'right') };
  }

  private keyword(token: Token): Node | Terminator {
    switch (token.text) {
      case 'if':
      case 'with':
      case 'range':
        return this.control(token.text, token.at);
      case 'block':
        return this.block(token.at);
      case 'template':
        return this.template(token.at);
      case 'break':
      case 'continue':
        return this.loopJump(token.text, token.at);
      case 'end':
        this.expect('right', 'end');
        return 'end';
      case 'else':
        return this.orElse();
      default:
        return this.unexpected(token, 'command');
    }
  }

  private orElse(): Terminator {
    const token = this.peekNonSpace();
    if (token.type !== 'keyword' || (token.text !== 'if' && token.text !== 'with')) this.expect('right', 'else');
    return 'else';
  }

  private loopJump(type: 'break' | 'continue', at: number): Node {
    const token = this.nextNonSpace();
    if (token.type !== 'right') this.unexpected(token, `{{${type}}}`);
    if (this.ranges === 0) this.fail(`{{${type}}} outside {{range}}`);
    return { type, at };
  }

  private control(type: 'if' | 'with' | 'range', at: number): Node {
    const known = this.variables.length;
    const pipe = this.pipeline(type, 'right');
    if (type === 'range') this.ranges += 1;
    const { list, terminator } = this.list();
    if (type === 'range') this.ranges -= 1;
    const node: IfNode | RangeNode = { type, at, pipe, list };
    if (terminator === 'else') node.orElse = this.elseList(type);
    this.variables.length = known;
    return node;
  }

  private elseList(type: 'if' | 'with' | 'range'): Node[] {
    const token = this.peek();
    // `else if` and `else with` nest, and share the one `end`.
    if (token.type === 'keyword' && (token.text === 'if' || token.text === 'with')) {
      if (token.text !== type) this.unexpected(token, 'else');
      this.at += 1;
      return [this.control(token.text, token.at)];
    }
    const { list, terminator } = this.list();
    if (terminator !== 'end') this.fail('expected end; found {{else}}');
    return list;
  }

  private block(at: number): Node {
    const name = this.templateName('block clause');
    const pipe = this.pipeline('block clause', 'right');
    this.define(name, this.body('block clause'));
    return { type: 'template', at, name, pipe };
  }

  private template(at: number): Node {
    const name = this.templateName('template clause');
    if (this.peekNonSpace().type === 'right') {
      this.at += 1;
      return { type: 'template', at, name };
    }
    return { type: 'template', at, name, pipe: this.pipeline('template clause', 'right') };
  }

  private pipeline(context: string, end: TokenType): PipeNode {
    const pipe: PipeNode = {
      type: 'pipe',
      at: this.peekNonSpace().at,
      declarations: [],
      assigns: false,
      commands: [],
    };
    this.declarations(pipe, context);
    for (;;) {
      const token = this.peekNonSpace();
      if (token.type === end) break;
      if (!operandTypes.has(token.type)) this.unexpected(token, context);
      pipe.commands.push(this.command());
    }
    this.at += 1;
    this.checkPipeline(pipe, context);
    return pipe;
  }

  private declarations(pipe: PipeNode, context: string): void {
    while (this.peekNonSpace().type === 'variable') {
      const begin = this.at;
      const variable = this.next();
      const token = this.peekNonSpace();
      if (token.type === 'assign' || token.type === 'declare') {
        this.at += 1;
        this.declaration(pipe, variable.text);
        pipe.assigns = token.type === 'assign';
        return;
      }
      if (token.type !== 'char' || token.text !== ',') {
        this.at = begin;
        return;
      }
      this.at += 1;
      this.declaration(pipe, variable.text);
      if (context !== 'range' || pipe.declarations.length > 1) this.fail(`too many declarations in ${context}`);
      if (!['variable', 'right', 'closeParen'].includes(this.peekNonSpace().type))
        this.fail('range can only initialize variables');
    }
  }

  private declaration(pipe: PipeNode, name: string): void {
    pipe.declarations.push(name);
    this.variables.push(name);
  }

  private checkPipeline(pipe: PipeNode, context: string): void {
    if (pipe.commands.length === 0) this.fail(`missing value for ${context}`);
    for (const [index, command] of pipe.commands.entries()) {
      if (index > 0 && literals.has(command.args[0].type))
        this.fail(`non executable command in pipeline stage ${index + 1}`);
    }
  }

  private command(): CommandNode {
    const at = this.peekNonSpace().at;
    const args: Operand[] = [];
    for (;;) {
      this.peekNonSpace();
      const operand = this.operand();
      if (operand !== undefined) args.push(operand);
      const token = this.next();
      if (token.type === 'space') continue;
      if (token.type === 'right' || token.type === 'closeParen') this.at -= 1;
      else if (token.type !== 'pipe') this.unexpected(token, 'operand');
      break;
    }
    const [first, ...rest] = args;
    if (first === undefined) this.fail('empty command');
    return { type: 'command', at, args: [first, ...rest] };
  }

  private operand(): Operand | undefined {
    const node = this.term();
    if (node === undefined || this.peek().type !== 'field') return node;
    const { at } = this.peek();
    const path: string[] = [];
    while (this.peek().type === 'field') path.push(this.next().text.slice(1));
    if (node.type === 'field' || node.type === 'variable') return { ...node, at, path: [...node.path, ...path] };
    if (literals.has(node.type)) this.fail(`unexpected . after term ${JSON.stringify(formatNode(node))}`);
    return { type: 'chain', at, node, path };
  }

  private term(): Operand | undefined {
    const token = this.peekNonSpace();
    if (!operandTypes.has(token.type)) {
      if (token.type === 'error') this.fail(token.text, token.at);
      return undefined;
    }
    this.at += 1;
    return this.attempt(() => this.simpleTerm(token));
  }

  private simpleTerm({ type, text, at }: Token): Operand {
    switch (type) {
      case 'identifier':
        return this.identifier(text, at);
      case 'dot':
      case 'nil':
        return { type, at };
      case 'variable':
        return this.variable(text, at);
      case 'field':
        return { type: 'field', at, path: [text.slice(1)] };
      case 'openParen':
        return this.pipeline('parenthesized pipeline', 'closeParen');
      default:
        return constant({ type, text, at });
    }
  }

  private variable(name: string, at: number): Operand {
    if (!this.variables.includes(name)) this.fail(`undefined variable ${JSON.stringify(name)}`, at);
    return { type: 'variable', at, name, path: [] };
  }

  private identifier(name: string, at: number): Operand {
    const reason = this.options.whyNotCallable(name);
    if (reason !== undefined) this.fail(reason, at);
    return { type: 'identifier', at, name };
  }
}

function constant({ type, text, at }: Token): Operand {
  if (type === 'bool') return { type, at, value: text === 'true' };
  if (type === 'string' || type === 'rawString') return { type: 'string', at, quoted: text, value: unquote(text) };
  if (type === 'charConstant') return parseCharacter(text, at);
  return type === 'complex' ? parseComplex(text, at) : parseNumber(text, at);
}

function isEmpty(list: Node[]): boolean {
  return list.every((node) => node.type === 'text' && node.text.trim() === '');
}
