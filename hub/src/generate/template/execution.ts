import { convertArgument, convertConstant, isNilable } from './argument.ts';
import { formatValue } from './format/print-value.ts';
import { and, or } from './functions/builtin.ts';
import { type FunctionMap, type GoFunction, goTypeNames, type ParameterType } from './go-function.ts';
import {
  type CommandNode,
  formatNode,
  type Node,
  type Operand,
  type PipeNode,
  type RangeNode,
  type TemplateNode,
} from './node.ts';
import type { Definitions } from './parser.ts';
import { TemplateError } from './template-error.ts';
import { GoStruct, Int, isMap, isSlice, isStringMap, isTrue, sortedKeys, typeName, type Value } from './value.ts';

/** Go: the template option `missingkey`. */
export type MissingKey = 'default' | 'invalid' | 'zero' | 'error';

export interface ExecutionContext {
  name: string;
  text: string;
  definitions: Definitions;
  functions: FunctionMap;
  missingKey: MissingKey;
}

/** Templates may call each other this deep; far below where the JavaScript stack ends. */
const maxDepth = 500;
/** Work that one execution may do, so that nested ranges cannot stop the hub. Real templates need a few hundred. */
const maxSteps = 1_000_000;

/** Executes a parsed template. Throws a TemplateError that names the template, line, column and node. */
export function execute(context: ExecutionContext, data: Value): string {
  const execution = new Execution(context, { template: context.name, data, depth: 0, budget: { steps: 0 } });
  try {
    execution.walkList(data, context.definitions.get(context.name) ?? []);
  } catch (error) {
    if (error instanceof TemplateError) throw error;
    // A map that `set` put into itself cannot be printed: the stack ends.
    const message = error instanceof Error ? error.message : String(error);
    throw new TemplateError(`template: ${context.name}: ${message}`, { cause: error });
  }
  return execution.output;
}

/** One template's turn; templates that call each other share the budget. */
interface Invocation {
  template: string;
  data: Value;
  depth: number;
  budget: { steps: number };
}

interface Variable {
  name: string;
  value: Value;
}

/** How a list of nodes ended. */
type Flow = 'next' | 'break' | 'continue';

/** No value was piped into this command. */
const nothing = Symbol('nothing');
type Final = Value | typeof nothing;

class Execution {
  output = '';
  private readonly context: ExecutionContext;
  private readonly template: string;
  private readonly variables: Variable[];
  private readonly depth: number;
  private readonly budget: { steps: number };
  private node: Node | Operand | CommandNode | undefined;

  constructor(context: ExecutionContext, call: Invocation) {
    this.context = context;
    this.template = call.template;
    this.variables = [{ name: '$', value: call.data }];
    this.depth = call.depth;
    this.budget = call.budget;
  }

  private fail(message: string, options: { missingKey?: boolean; cause?: unknown } = {}): never {
    const { name, text } = this.context;
    const at = this.node?.at ?? 0;
    const before = text.slice(0, at);
    const line = before.split('\n').length;
    const column = at - (before.lastIndexOf('\n') + 1);
    const where = this.node === undefined ? '' : ` at <${formatNode(this.node)}>`;
    throw new TemplateError(
      `template: ${name}:${line}:${column}: executing ${JSON.stringify(this.template)}${where}: ${message}`,
      options,
    );
  }

  walkList(dot: Value, list: Node[]): Flow {
    for (const node of list) {
      const flow = this.walk(dot, node);
      if (flow !== 'next') return flow;
    }
    return 'next';
  }

  private walk(dot: Value, node: Node): Flow {
    this.node = node;
    this.step();
    switch (node.type) {
      case 'text':
        this.output += node.text;
        return 'next';
      case 'action':
        this.action(dot, node.pipe);
        return 'next';
      case 'template':
        this.invoke(dot, node);
        return 'next';
      case 'range':
        return this.range(dot, node);
      case 'if':
      case 'with':
        return this.branch(dot, node);
      default:
        return node.type;
    }
  }

  private step(): void {
    this.budget.steps += 1;
    if (this.budget.steps > maxSteps) this.fail(`the template does more than ${maxSteps} steps`);
  }

  private action(dot: Value, pipe: PipeNode): void {
    const value = this.pipeline(dot, pipe);
    if (pipe.declarations.length > 0) return;
    this.output += value === undefined ? '<no value>' : formatValue(value);
  }

  private branch(dot: Value, node: Extract<Node, { type: 'if' | 'with' }>): Flow {
    const mark = this.variables.length;
    const value = this.pipeline(dot, node.pipe);
    let flow: Flow = 'next';
    if (isTrue(value)) flow = this.walkList(node.type === 'with' ? value : dot, node.list);
    else if (node.orElse !== undefined) flow = this.walkList(dot, node.orElse);
    this.variables.length = mark;
    return flow;
  }

  private range(dot: Value, node: RangeNode): Flow {
    const mark = this.variables.length;
    const value = this.pipeline(dot, node.pipe);
    let ran = false;
    for (const [index, item] of this.iterate(value, node)) {
      ran = true;
      this.step();
      const inner = this.variables.length;
      this.assignLoop(node, index, item);
      const flow = this.walkList(item, node.list);
      this.variables.length = inner;
      if (flow === 'break') break;
    }
    let flow: Flow = 'next';
    if (!ran && node.orElse !== undefined) flow = this.walkList(dot, node.orElse);
    this.variables.length = mark;
    return flow;
  }

  private *iterate(value: Value, node: RangeNode): Generator<[Value, Value]> {
    if (value === undefined || value === null) return;
    if (isSlice(value)) {
      for (const [index, item] of value.entries()) yield [new Int(index), item];
    } else if (value instanceof Int) {
      if (node.pipe.declarations.length > 1)
        this.fail(`can't use ${formatValue(value)} to iterate over more than one variable`);
      for (let index = 0n; index < value.value; index += 1n) yield [undefined, new Int(index, value.kind)];
    } else if (isMap(value)) {
      for (const key of sortedKeys(value)) yield [key, value[key]];
    } else {
      this.fail(`range can't iterate over ${formatValue(value)}`);
    }
  }

  private assignLoop({ pipe }: RangeNode, index: Value, item: Value): void {
    const [first, second] = pipe.declarations;
    if (first === undefined) return;
    const values: [string, Value][] =
      second === undefined
        ? [[first, item]]
        : [
            [first, index],
            [second, item],
          ];
    // The pipeline declared each name with the whole value; the loop's own scope holds the item.
    for (const [name, value] of values) {
      if (pipe.assigns) this.setVariable(name, value);
      else this.variables.push({ name, value });
    }
  }

  private invoke(dot: Value, node: TemplateNode): void {
    const list = this.context.definitions.get(node.name);
    if (list === undefined) this.fail(`template ${JSON.stringify(node.name)} not defined`);
    if (this.depth >= maxDepth) this.fail(`exceeded maximum template depth (${maxDepth})`);
    const data = node.pipe === undefined ? undefined : this.pipeline(dot, node.pipe);
    const call = { template: node.name, data, depth: this.depth + 1, budget: this.budget };
    const inner = new Execution(this.context, call);
    inner.walkList(data, list);
    this.output += inner.output;
  }

  private setVariable(name: string, value: Value): void {
    const variable = this.variables.findLast((known) => known.name === name);
    if (variable === undefined) this.fail(`undefined variable: ${name}`);
    variable.value = value;
  }

  private variable(name: string): Value {
    const variable = this.variables.findLast((known) => known.name === name);
    if (variable === undefined) this.fail(`undefined variable: ${name}`);
    return variable.value;
  }

  private pipeline(dot: Value, pipe: PipeNode): Value {
    this.node = pipe;
    let value: Final = nothing;
    for (const command of pipe.commands) {
      const result = this.command(dot, command, value);
      value = result ?? undefined;
    }
    const result = value === nothing ? undefined : value;
    for (const name of pipe.declarations) {
      if (pipe.assigns) this.setVariable(name, result);
      else this.variables.push({ name, value: result });
    }
    return result;
  }

  private command(dot: Value, command: CommandNode, final: Final): Value {
    const [first, ...args] = command.args;
    if (first.type === 'identifier') {
      this.node = first;
      return this.callFunction(dot, { node: command, name: first.name, args }, final);
    }
    if (first.type === 'field' || first.type === 'chain' || first.type === 'variable')
      return this.fieldOf(dot, first, { args, final });
    if (args.length > 0 || final !== nothing) {
      this.node = first;
      this.fail(`can't give argument to non-function ${formatNode(first)}`);
    }
    this.node = first;
    if (first.type === 'nil') this.fail('nil is not a command');
    return this.constant(dot, first);
  }

  /** A term that takes no arguments. */
  private constant(dot: Value, node: Exclude<Operand, { type: 'identifier' | 'field' | 'chain' | 'variable' }>): Value {
    switch (node.type) {
      case 'pipe':
        return this.pipeline(dot, node);
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'number':
        return this.attempt(() => convertConstant(node, 'any'));
      default:
        return node.value;
    }
  }

  private attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      return this.fail(error.message);
    }
  }

  private fieldOf(
    dot: Value,
    node: Extract<Operand, { type: 'field' | 'chain' | 'variable' }>,
    call: { args: Operand[]; final: Final },
  ): Value {
    this.node = node;
    let receiver = this.receiver(dot, node);
    this.node = node;
    const last = node.path.length - 1;
    for (const [index, name] of node.path.entries())
      receiver = this.field(dot, receiver, { name, node, call: index === last ? call : { args: [], final: nothing } });
    if (last < 0 && (call.args.length > 0 || call.final !== nothing))
      this.fail(`can't give argument to non-function ${formatNode(node)}`);
    return receiver;
  }

  private receiver(dot: Value, node: Extract<Operand, { type: 'field' | 'chain' | 'variable' }>): Value {
    if (node.type === 'field') return dot;
    if (node.type === 'variable') return this.variable(node.name);
    if (node.node.type === 'nil') this.fail(`indirection through explicit nil in ${formatNode(node)}`);
    return this.argument(dot, node.node, 'value');
  }

  private field(
    dot: Value,
    receiver: Value,
    access: { name: string; node: Operand; call: { args: Operand[]; final: Final } },
  ): Value {
    const { name, call } = access;
    if (receiver === undefined) {
      if (this.context.missingKey === 'error') this.fail(`nil data; no entry for key ${JSON.stringify(name)}`);
      return undefined;
    }
    if (receiver === null) this.fail(`nil pointer evaluating interface {}.${name}`);
    if (receiver instanceof GoStruct) return this.method(dot, receiver, access);
    if (!isMap(receiver)) this.fail(`can't evaluate field ${name} in type ${typeName(receiver)}`, { missingKey: true });
    if (call.args.length > 0 || call.final !== nothing) this.fail(`${name} is not a method but has arguments`);
    if (Object.hasOwn(receiver, name)) return receiver[name] ?? null;
    return this.missing(isStringMap(receiver), name);
  }

  private missing(strings: boolean, key: string): Value {
    switch (this.context.missingKey) {
      case 'zero':
        return strings ? '' : null;
      case 'error':
        return this.fail(`map has no entry for key ${JSON.stringify(key)}`, { missingKey: true });
      default:
        return undefined;
    }
  }

  private method(
    dot: Value,
    receiver: GoStruct,
    { name, node, call }: { name: string; node: Operand; call: { args: Operand[]; final: Final } },
  ): Value {
    const method = Object.hasOwn(receiver.methods, name) ? receiver.methods[name] : undefined;
    if (method === undefined)
      this.fail(`can't evaluate field ${name} in type ${receiver.typeName}`, { missingKey: true });
    const args = call.args.map((arg) => this.argument(dot, arg, 'any'));
    if (call.final !== nothing) args.push(call.final);
    return this.run(node, name, () => method(...args));
  }

  private callFunction(
    dot: Value,
    call: { node: CommandNode | Operand; name: string; args: Operand[] },
    final: Final,
  ): Value {
    const { name, args, node } = call;
    const definition = this.context.functions[name];
    if (definition === undefined) this.fail(`${JSON.stringify(name)} is not a defined function`);
    this.checkCount(definition, name, args.length + (final === nothing ? 0 : 1));
    if (definition === and || definition === or)
      return this.shortCircuit(dot, { args, until: definition === or }, final);
    const values = args.map((arg, index) => this.argument(dot, arg, parameterAt(definition, index)));
    if (final !== nothing) values.push(this.convert(final, parameterAt(definition, values.length)));
    this.node = node;
    return this.run(node, name, () => definition.call(values));
  }

  private checkCount(definition: GoFunction, name: string, count: number): void {
    const wanted = definition.parameters.length;
    if (definition.variadic === undefined ? count === wanted : count >= wanted) return;
    const atLeast = definition.variadic === undefined ? '' : 'at least ';
    this.fail(`wrong number of args for ${name}: want ${atLeast}${wanted} got ${count}`);
  }

  private shortCircuit(dot: Value, { args, until }: { args: Operand[]; until: boolean }, final: Final): Value {
    let value: Value;
    for (const arg of args) {
      value = this.argument(dot, arg, 'value');
      if (isTrue(value) === until) return value;
    }
    return final === nothing ? value : final;
  }

  private run(node: CommandNode | Operand, name: string, call: () => Value): Value {
    try {
      return call();
    } catch (error) {
      this.node = node;
      const message = error instanceof Error ? error.message : String(error);
      return this.fail(`error calling ${name}: ${message}`, { cause: error });
    }
  }

  private argument(dot: Value, node: Operand, type: ParameterType): Value {
    this.node = node;
    switch (node.type) {
      case 'field':
      case 'variable':
      case 'chain':
        return this.convert(this.fieldOf(dot, node, { args: [], final: nothing }), type);
      case 'identifier':
        return this.convert(this.callFunction(dot, { node, name: node.name, args: [] }, nothing), type);
      case 'pipe':
        return this.convert(this.pipeline(dot, node), type);
      case 'dot':
        return this.convert(dot, type);
      case 'nil':
        if (!isNilable(type)) this.fail(`cannot assign nil to ${goTypeNames[type]}`);
        return null;
      default:
        return this.attempt(() => convertConstant(node, type));
    }
  }

  private convert(value: Value, type: ParameterType): Value {
    return type === 'value' ? value : this.attempt(() => convertArgument(value, type));
  }
}

function parameterAt(definition: GoFunction, index: number): ParameterType {
  return definition.parameters[index] ?? definition.variadic ?? 'any';
}
