/** Templates made by chance, for comparison with Go: mostly well typed, sometimes not, of every part of the language. */

/** A source of choices; the same numbers give the same template. */
export interface Chance {
  below(limit: number): number;
}

export function chanceOf(numbers: readonly number[]): Chance {
  let at = 0;
  return {
    below: (limit) => {
      const number = numbers[at % Math.max(numbers.length, 1)] ?? 0;
      at += 1;
      return (number + at * 7) % limit;
    },
  };
}

type Kind = 'string' | 'number' | 'int' | 'bool' | 'list' | 'map';

/** What every template sees. JSON, so numbers are float64 in Go. */
export const data = {
  name: 'My_App-one two',
  empty: '',
  path: 'apps/Prod/web.yaml',
  version: '1.2.3',
  n: 3,
  half: 2.5,
  big: 123456789,
  flag: true,
  off: false,
  nil: null,
  list: ['c', 'a', 'b', 'a'],
  nums: [3, 1, 2],
  mixed: ['x', 1, null, true],
  nested: { a: { b: 'deep' }, items: [{ k: 'v1' }, { k: 'v2' }], 'key-x': 'dash' },
  labels: { env: 'prod', tier: 'gold' },
};

const leaves: Record<Kind, readonly string[]> = {
  string: ['.name', '.empty', '.path', '.version', '.nested.a.b', '"lit"', '"Ünï x"', '`raw`', '.labels.env'],
  number: ['.n', '.half', '.big', '1.5', '-2.0', '1e3'],
  int: ['1', '2', '3', '0', '-1', '7'],
  bool: ['.flag', '.off', 'true', 'false'],
  list: ['.list', '.nums', '.mixed', '.nested.items', '(list 1 "b" 2.5)', '(splitList "/" .path)', '(until 4)'],
  map: ['.labels', '.nested', '(dict "a" 1 "b" "x")', '.nested.a'],
};

/**
 * Functions by what they give, each with what it takes. `any` is one of all kinds. Go's texts are bytes: what cuts a
 * letter beyond ASCII in two (`wrap`, `b64dec`) is given ASCII here, because the hub's texts cannot hold half a letter.
 */
const functions: Record<Kind, readonly [name: string, ...parameters: (Kind | 'any')[]][]> = {
  string: [
    ['upper', 'string'],
    ['lower', 'string'],
    ['title', 'string'],
    ['untitle', 'string'],
    ['trim', 'string'],
    ['trimAll', 'string', 'string'],
    ['trimPrefix', 'string', 'string'],
    ['trimSuffix', 'string', 'string'],
    ['replace', 'string', 'string', 'string'],
    ['trunc', 'int', 'string'],
    ['substr', 'int', 'int', 'string'],
    ['quote', 'any'],
    ['squote', 'any'],
    ['cat', 'any', 'any'],
    ['indent', 'int', 'string'],
    ['nindent', 'int', 'string'],
    ['initials', 'string'],
    ['snakecase', 'string'],
    ['camelcase', 'string'],
    ['kebabcase', 'string'],
    ['nospace', 'string'],
    ['swapcase', 'string'],
    ['abbrev', 'int', 'string'],
    ['plural', 'string', 'string', 'int'],
    ['repeat', 'int', 'string'],
    ['wrap 5 .name | cat', 'any'],
    ['wrapWith 4 "-" .path | cat', 'any'],
    ['join', 'string', 'list'],
    ['toString', 'any'],
    ['toJson', 'any'],
    ['toPrettyJson', 'any'],
    ['toRawJson', 'any'],
    ['b64enc', 'string'],
    ['b64dec (b64enc "x/y") | cat', 'string'],
    ['b32enc', 'string'],
    ['sha256sum', 'string'],
    ['adler32sum', 'string'],
    ['regexReplaceAll', 'string', 'string', 'string'],
    ['regexFind', 'string', 'string'],
    ['base', 'string'],
    ['dir', 'string'],
    ['ext', 'string'],
    ['clean', 'string'],
    ['print', 'any', 'any'],
    ['println', 'any'],
    ['html', 'any'],
    ['js', 'any'],
    ['urlquery', 'any'],
    ['kindOf', 'any'],
    ['typeOf', 'any'],
    ['default', 'string', 'string'],
    ['ternary', 'string', 'string', 'bool'],
    ['printf "%v|%s"', 'any', 'any'],
    ['printf "%d"', 'int'],
    ['printf "%5.2f"', 'number'],
    ['printf "%q"', 'string'],
    ['printf "%T"', 'any'],
    ['printf "%+v"', 'any'],
    ['printf "%05d"', 'int'],
    ['printf "%x"', 'string'],
    ['printf "%t"', 'bool'],
    ['index', 'map', 'string'],
    ['get', 'map', 'string'],
    ['slice', 'string', 'int', 'int'],
    ['toDecimal', 'string'],
  ],
  number: [
    ['float64', 'any'],
    ['floor', 'any'],
    ['ceil', 'any'],
    ['round', 'any', 'int'],
    ['addf', 'any', 'any'],
    ['subf', 'any', 'any'],
    ['mulf', 'any', 'any'],
    ['divf', 'any', 'number'],
    ['maxf', 'any', 'any'],
    ['minf', 'any', 'any'],
  ],
  int: [
    ['int', 'any'],
    ['int64', 'any'],
    ['add', 'any', 'any'],
    ['sub', 'any', 'any'],
    ['mul', 'any', 'any'],
    ['div', 'any', 'int'],
    ['mod', 'any', 'int'],
    ['max', 'any', 'any'],
    ['min', 'any', 'any'],
    ['add1', 'any'],
    ['len', 'string'],
    ['len', 'list'],
    ['len', 'map'],
    ['atoi', 'string'],
  ],
  bool: [
    ['eq', 'string', 'string'],
    ['ne', 'string', 'string'],
    ['lt', 'number', 'number'],
    ['ge', 'int', 'int'],
    ['eq', 'any', 'any'],
    ['not', 'any'],
    ['empty', 'any'],
    ['contains', 'string', 'string'],
    ['hasPrefix', 'string', 'string'],
    ['hasSuffix', 'string', 'string'],
    ['has', 'any', 'list'],
    ['hasKey', 'map', 'string'],
    ['regexMatch', 'string', 'string'],
    ['kindIs', 'string', 'any'],
    ['deepEqual', 'any', 'any'],
    ['all', 'any', 'any'],
    ['any', 'any', 'any'],
    ['semverCompare ">=1.0.0"', 'string'],
    ['and', 'any', 'any'],
    ['or', 'any', 'any'],
  ],
  list: [
    ['list', 'any', 'any'],
    ['rest', 'list'],
    ['initial', 'list'],
    ['reverse', 'list'],
    ['uniq', 'list'],
    ['sortAlpha', 'list'],
    ['without', 'list', 'any'],
    ['append', 'list', 'any'],
    ['prepend', 'list', 'any'],
    ['concat', 'list', 'list'],
    ['compact', 'list'],
    ['slice', 'list', 'int'],
    ['chunk', 'int', 'list'],
    ['splitList', 'string', 'string'],
    ['seq', 'int'],
    ['untilStep', 'int', 'int', 'int'],
    ['toStrings', 'list'],
    ['fromJson', 'string'],
    ['regexSplit "a" .name -1 | append', 'any'],
    ['first', 'list'],
    ['last', 'list'],
  ],
  map: [
    ['dict "k"', 'any'],
    ['set (dict "z" 1)', 'string', 'any'],
    ['pick', 'map', 'string'],
    ['omit', 'map', 'string'],
    ['merge (dict)', 'map', 'map'],
    ['mergeOverwrite (dict)', 'map', 'map'],
    ['unset (dict "a" 1)', 'string'],
    ['split "/"', 'string'],
    ['deepCopy', 'map'],
  ],
};

const kinds: readonly Kind[] = ['string', 'number', 'int', 'bool', 'list', 'map'];

function pick<T>(chance: Chance, items: readonly T[]): T {
  return items[chance.below(items.length)] as T;
}

/** An expression that is meant to be of a kind; one in twelve is of any other, or a field that is not there. */
function expression(kind: Kind | 'any', depth: number, chance: Chance): string {
  const slip = chance.below(36);
  if (slip === 0) return pick(chance, ['.missing', '.nil', '.nested.missing', 'nil']);
  const wanted = kind === 'any' || slip < 3 ? pick(chance, kinds) : kind;
  if (depth <= 0 || chance.below(4) === 0) return pick(chance, leaves[wanted]);
  const [name, ...parameters] = pick(chance, functions[wanted]);
  return `(${[name, ...parameters.map((one) => expression(one, depth - 1, chance))].join(' ')})`;
}

interface Parts {
  any(budget?: number): string;
  of(kind: Kind): string;
  body(): string;
  chance: Chance;
  depth: number;
}

const filters = ['upper', 'quote', 'toString', 'default "d"', 'toJson', 'trim', 'len'];

const plainActions: readonly ((parts: Parts) => string)[] = [
  ({ any }) => `{{ ${any()} }}`,
  ({ any }) => `{{ ${any(3)} }}`,
  ({ any, chance }) => `{{- ${any()} | ${pick(chance, filters)} -}}`,
];

const blockActions: readonly ((parts: Parts) => string)[] = [
  ({ any, body }) => `{{ if ${any()} }}${body()}{{ else if ${any(1)} }}${body()}{{ else }}${body()}{{ end }}`,
  ({ any, body }) => `{{ with ${any()} }}${body()}{{ . }}{{ else }}${body()}{{ end }}`,
  ({ of }) => `{{ range $i, $e := ${of('list')} }}{{ $i }}={{ $e }};{{ else }}none{{ end }}`,
  ({ of }) => `{{ range $k, $v := ${of('map')} }}{{ $k }}:{{ $v }},{{ if eq $k "env" }}{{ break }}{{ end }}{{ end }}`,
  ({ any }) => `{{ $x := ${any()} }}{{ $x }}{{ $x = ${any(1)} }}{{ $x | printf "%v" }}`,
  ({ any, depth }) => `{{ define "t${depth}" }}<{{ . }}>{{ end }}{{ template "t${depth}" ${any(1)} }}`,
  () => '{{/* a comment */}}{{ range until 3 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ . }}{{ end }}',
  ({ any, depth }) => `{{ block "b${depth}" ${any(1)} }}[{{ . }}]{{ end }}`,
];

function action(depth: number, chance: Chance): string {
  const actions = depth > 0 ? [...plainActions, ...blockActions] : plainActions;
  return pick(
    chance,
    actions,
  )({
    any: (budget = 2) => expression('any', budget, chance),
    of: (kind) => expression(kind, 1, chance),
    body: () => template(depth - 1, chance),
    chance,
    depth,
  });
}

/** A template with up to three actions, nested up to `depth` deep. */
export function template(depth: number, chance: Chance): string {
  const count = 1 + chance.below(depth > 0 ? 3 : 1);
  return Array.from({ length: count }, () => pick(chance, ['', 'x ', '\n', ' - ']) + action(depth, chance)).join('');
}
