import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTemplateCompiler } from './template.ts';
import { type GoMap, stringMap } from './value.ts';

const params: GoMap = {
  name: 'My_App',
  n: 3,
  nil: null,
  list: ['c', 'a'],
  nested: { a: { b: 'deep' }, items: [{ k: 'v1' }, { k: 'v2' }] },
  labels: stringMap({ env: 'prod' }),
};

function render(text: string, options: string[] = []): string {
  return createTemplateCompiler({ goTemplate: true, options }).render(text, params);
}

describe('Go templates', () => {
  it.each([
    ['fields', '{{ .nested.a.b }}', 'deep'],
    ['trim markers', 'a {{- " x " -}} b', 'a x b'],
    ['comments', 'a{{/* b */}}c', 'ac'],
    ['if, else if and else', '{{ if eq .n 4.0 }}a{{ else if eq .n 3.0 }}b{{ else }}c{{ end }}', 'b'],
    ['with and else with', '{{ with .nil }}a{{ else with .name }}{{ . }}{{ end }}', 'My_App'],
    ['range with index', '{{ range $i, $l := .nested.items }}{{ $i }}{{ $l.k }} {{ end }}', '0v1 1v2 '],
    ['range over an integer', '{{ range 3 }}{{ . }}{{ end }}', '012'],
    ['range, else', '{{ range .nil }}x{{ else }}none{{ end }}', 'none'],
    [
      'break and continue',
      '{{ range until 9 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 4 }}{{ break }}{{ end }}{{ . }}{{ end }}',
      '023',
    ],
    ['assignment', '{{ $x := 1 }}{{ range .list }}{{ $x = . }}{{ end }}{{ $x }}', 'a'],
    [
      'define, template and block',
      '{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" .n }}{{ block "u" .name }}[{{ . }}]{{ end }}',
      '<3>[My_App]',
    ],
    [
      'literals',
      "{{ 0x10 }} {{ 1e3 }} {{ 'a' }} {{ 0b11 }} {{ 1_000 }} {{ 1+2i }} {{ `r\\n` }}",
      '16 1000 97 3 1000 (1+2i) r\\n',
    ],
    ['maps by sorted key', '{{ .nested }}', 'map[a:map[b:deep] items:[map[k:v1] map[k:v2]]]'],
    ['methods', '{{ (semver "v1.2.3-rc.1").Prerelease }}', 'rc.1'],
    ['big numbers as Go writes floats', '{{ printf "%v %d" 12345678.0 12345678 }}', '1.2345678e+07 12345678'],
    [
      'toYaml',
      '{{ toYaml (dict "y" (list 1 "no" "a: b") "z" "l1\\nl2") }}',
      '"y":\n- 1\n- "no"\n- \'a: b\'\nz: |-\n  l1\n  l2',
    ],
  ])('%s', (_name, text, expected) => {
    expect(render(text)).toBe(expected);
  });

  it.each([
    ['default', '{{ .missing }}', [], '<no value>'],
    ['default, through a nested key', '{{ .missing.deeper }}', [], '<no value>'],
    ['zero', '{{ .labels.missing }}|{{ .missing }}', ['missingkey=zero'], '|<no value>'],
    ['a string map through index', '{{ index .labels "missing" }}|', [], '|'],
  ])('a missing key: %s', (...[, text, options, expected]) => {
    expect(render(text, options)).toBe(expected);
  });

  it.each([
    [
      'a missing key',
      '{{ .nested.x }}',
      ['missingkey=error'],
      'template: base:1:10: executing "base" at <.nested.x>: map has no entry for key "x"',
    ],
    [
      'a field of nil',
      'a\n{{ .nil.x }}',
      [],
      'template: base:2:7: executing "base" at <.nil.x>: nil pointer evaluating interface {}.x',
    ],
    ['an unknown function', '{{ nope 1 }}', [], 'template: base:1: function "nope" not defined'],
    ['the environment', '{{ env "HOME" }}', [], 'template: base:1: function "env" not defined'],
    [
      'a wrong argument',
      '{{ trunc .n .name }}',
      [],
      'template: base:1:9: executing "base" at <.n>: wrong type for value; expected int; got float64',
    ],
    ['an unclosed action', '{{ .name', [], 'template: base:1: unclosed action'],
    ['an unclosed block', '{{ if .n }}x', [], 'template: base:1: unexpected EOF'],
    [
      'different kinds',
      '{{ eq .n 3 }}',
      [],
      'template: base:1:3: executing "base" at <eq .n 3>: error calling eq: incompatible types for comparison: float64 and int',
    ],
    ['an unknown option', '{{ .n }}', ['missingkey=bogus'], 'unrecognized template option "missingkey=bogus"'],
  ])('refuses %s', (...[, text, options, message]) => {
    expect(() => render(text, options)).toThrow(message);
  });

  it.each([
    ['nested ranges', '{{ range until 9999 }}{{ range until 9999 }}{{ end }}x{{ end }}', /does more than/],
    [
      'templates that call themselves',
      '{{ define "t" }}{{ template "t" . }}{{ end }}{{ template "t" . }}',
      /maximum template depth/,
    ],
    ['huge texts', '{{ repeat 999999999 "x" }}', /text longer than/],
    ['maps that hold themselves', '{{ $m := dict }}{{ $_ := set $m "m" $m }}{{ $m }}', /template: base: /],
  ])('bounds %s', (_name, text, message) => {
    expect(() => render(text)).toThrow(message);
  });

  it('never changes the parameters', () => {
    const before = JSON.stringify(params);
    expect(render('{{ $_ := set .nested "x" 1 }}{{ .nested.x }}{{ $_ := merge .nested (dict "y" 2) }}')).toBe('1');
    expect(JSON.stringify(params)).toBe(before);
  });

  it('writes any text back as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { compile } = createTemplateCompiler({ goTemplate: true, options: [] });
        expect(compile('<{{ .text }}>')({ text })).toBe(`<${text}>`);
        expect(compile('{{ print .text | toJson | fromJson }}')({ text: text.toWellFormed() })).toBe(
          text.toWellFormed(),
        );
      }),
    );
  });
});

describe('fasttemplate', () => {
  it.each([
    ['a key', '{{name}}-{{ name }}', 'My_App-My_App'],
    ['an unknown key stays', 'x{{ missing }}y', 'x{{ missing }}y'],
    ['a value that is no text stays', '{{n}}', '{{n}}'],
    ['no template', 'plain }}', 'plain }}'],
  ])('%s', (_name, text, expected) => {
    expect(createTemplateCompiler({ goTemplate: false, options: [] }).render(text, params)).toBe(expected);
  });

  it('refuses a tag that does not end', () => {
    const { render } = createTemplateCompiler({ goTemplate: false, options: [] });
    expect(() => render('{{a}} {{b', params)).toThrow('cannot find end tag');
  });
});
