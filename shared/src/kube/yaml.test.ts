import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FleetError } from '../errors/fleet-error.ts';
import { formatYaml, parseYaml, parseYamlStream, readYamlStream } from './yaml.ts';

// Every expected value here was printed by sigs.k8s.io/yaml v1.6.0, or by apimachinery v0.36.3 for streams.

describe('scalars', () => {
  it.each<[string, unknown]>([
    ['yes', true],
    ['Y', true],
    ['yEs', 'yEs'],
    ['Off', false],
    ['~', null],
    ['0755', 493],
    ['0o755', 493],
    ['08', 8],
    ['0o8', '0o8'],
    ['-0x1F', -31],
    ['0XFF', 255],
    ['0b11', 3],
    ['-0B1', -1],
    ['0b', '0b'],
    ['0x_1F', 31],
    ['1__0', 10],
    ['_1', '_1'],
    ['1_0.5', 10.5],
    ['1.', 1],
    ['+.5', 0.5],
    ['1e3', 1000],
    ['1e400', '1e400'],
    ['1e-400', 0],
    ['12:30:45', '12:30:45'],
    ['2001-01-01', '2001-01-01'],
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', 9223372036854775807n],
    ['-9223372036854775808', -9223372036854775808n],
    ['18446744073709551615', 18446744073709551615n],
    ['+18446744073709551615', 18446744073709552000],
    ['18446744073709551616', 18446744073709552000],
    ['0xFFFFFFFFFFFFFFFF', 18446744073709551615n],
    ['!!str 12', '12'],
    ['!!int "12"', 12],
    ['!!float 1', 1],
    ['!!bool "no"', false],
    ['!!binary aGVsbG8=', 'hello'],
    ['!custom 12', '12'],
    ['! 12', '12'],
    ['=', '='],
    ['"yes"', 'yes'],
  ])('%s', (text, expected) => {
    expect(parseYaml(`k: ${text}\n`)).toEqual({ k: expected });
  });

  it.each(['.nan', '-.inf', '!!int x', '!!null x', '!!timestamp x', '!!binary "!"', '`x`', '"\\q"', '"\\/"', '*x'])(
    '%s is refused',
    (text) => {
      expect(() => parseYaml(`k: ${text}\n`)).toThrow(FleetError);
    },
  );
});

describe('keys', () => {
  it.each<[string, unknown]>([
    ['on: 1', { true: 1 }],
    ['0755: a', { 493: 'a' }],
    ['1.10: a', { 1.1: 'a' }],
    ['1e6: a', { '1e+06': 'a' }],
    ['1e-5: a', { '1e-05': 'a' }],
    ['123456789.5: a', { '1.2345679e+08': 'a' }],
    ['.inf: a', { '.inf': 'a' }],
    ['2001-01-01: a', { '2001-01-01': 'a' }],
    ['__proto__: {x: 1}', JSON.parse('{"__proto__": {"x": 1}}')],
    ['a: 1\na: 2', { a: 2 }],
  ])('%s', (text, expected) => {
    expect(parseYaml(text)).toEqual(expected);
  });

  it.each(['~: a', '[a]: b', '{a: b}: c', '18446744073709551615: a'])('%s is refused', (text) => {
    expect(() => parseYaml(text)).toThrow('a key must be text');
  });

  it('names the key that is there twice, when that is refused', () => {
    expect(() => parseYaml('a: 1\nb:\n  c: 1\n  c: 2\n', { duplicateKeys: 'refuse' })).toThrow(
      'YAML, line 4, column 3: the key "c" is there twice',
    );
    expect(parseYaml('b: &b {x: 1}\nd: {<<: *b, x: 2}', { duplicateKeys: 'refuse' })).toMatchObject({ d: { x: 2 } });
  });
});

describe('merge keys and anchors', () => {
  it.each<[string, unknown]>([
    ['<<: {a: 1, b: 3}\nb: 2', { a: 1, b: 2 }],
    ['b: 2\n<<: {a: 1, b: 3}', { a: 1, b: 3 }],
    ['<<: [{a: 1}, {a: 2, b: 3}]', { a: 1, b: 3 }],
    ['"<<": {a: 1}', { '<<': { a: 1 } }],
    ['a: &x [1, 2]\nb: *x', { a: [1, 2], b: [1, 2] }],
    ['a: &x 1\nb: &x 2\nc: *x', { a: 1, b: 2, c: 2 }],
    ['&x a: *x', { a: 'a' }],
  ])('%s', (text, expected) => {
    expect(parseYaml(text)).toEqual(expected);
  });

  it.each(['<<: x', '<<: [x]', 'a: &x {b: *x}', 'b: *x\na: &x 1'])('%s is refused', (text) => {
    expect(() => parseYaml(text)).toThrow(FleetError);
  });

  it('gives every use of an anchor a value of its own', () => {
    const { a, b } = parseYaml('a: &x {z: [1]}\nb: *x') as Record<'a' | 'b', { z: number[] }>;
    a.z.push(2);
    expect(b.z).toEqual([1]);
  });

  it('refuses a text that grows exponentially', () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const previous = level === 0 ? 'x' : `*l${level - 1}`;
      return `l${level}: &l${level} [${Array(10).fill(previous).join(', ')}]`;
    });
    expect(() => parseYaml(levels.join('\n'))).toThrow('comes from aliases');
  });
});

describe('layout that Kubernetes does not mind', () => {
  it.each<[string, string, unknown]>([
    [
      'a closing bracket under its key',
      'a:\n  b: [\n    1\n  ]\n  c: {\n    x: 1\n  }\n',
      { a: { b: [1], c: { x: 1 } } },
    ],
    ['flow items at the margin', 'a: {\n"x": 1,\n"y": [1,\n2]}\n', { a: { x: 1, y: [1, 2] } }],
    ['quoted text that goes on at the margin', 'a:\n  k: "x\ny"\n  l: \'p\n\n  q\'\n', { a: { k: 'x y', l: 'p\nq' } }],
    ['tabs in flow collections', 'k: [\ta,\n\tb]\n', { k: ['a', 'b'] }],
    ['JSON with tabs', '{\n\t"a": [\n\t\t1\n\t]\n}\n', { a: [1] }],
    ['a block without a last line break', 'a: |\n  x', { a: 'x' }],
    ['a JSON escape in JSON', '{"a": "\\ud83d\\ude00\\/"}', { a: '😀/' }],
  ])('%s', (_, text, expected) => {
    expect(parseYaml(text)).toEqual(expected);
  });

  it.each(['a:\n\tb: 1\n', 'a: 1\n b: 2\n', 'a: [1\nb: 2\n', '%YAML 1.2\n---\na: 1\n', 'a: "x\n'])(
    '%j is still refused',
    (text) => {
      expect(() => parseYaml(text)).toThrow(FleetError);
    },
  );
});

describe('streams', () => {
  it.each<[string, string, unknown[]]>([
    ['documents', 'a: 1\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
    ['a separator first and last', '---\na: 1\n---\n', [{ a: 1 }]],
    ['a comment behind a separator', 'a: 1\n--- # c\nb: 2\n', [{ a: 1 }, { b: 2 }]],
    ['only comments in a document', 'a: 1\n---\n# c\n---\nb: 2\n', [{ a: 1 }, null, { b: 2 }]],
    ['two separators in a row', 'a: 1\n---\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
    ['nothing', '', []],
    ['carriage returns', 'a: |\r\n  x\r\n---\r\nb: 2\r\n', [{ a: 'x\n' }, { b: 2 }]],
    ['JSON without separators', '{"a": 1}{"b": 2}\n{"c": 3}', [{ a: 1 }, { b: 2 }, { c: 3 }]],
    ['JSON, then YAML', '{"a": 1}\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
    ['a flow mapping that is not JSON', '{a: 1}\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
  ])('%s', (_, text, expected) => {
    expect(parseYamlStream(text)).toEqual(expected);
  });

  it('says where in the stream it fails, after the documents before', () => {
    const documents: unknown[] = [];
    const read = () => {
      for (const document of readYamlStream('a: 1\n---\nb: 2\n---\nc: 3\nd: [\n')) documents.push(document);
    };
    expect(read).toThrow('YAML, line 7');
    expect(documents).toEqual([{ a: 1 }, { b: 2 }]);
  });

  it('refuses text behind a separator', () => {
    expect(() => parseYamlStream('a: 1\n---b: 2\n')).toThrow('YAML, line 2, column 4: only a comment may follow');
  });

  it.each([
    ['a document', 'a: 1\n---\nb: [\n', 43],
    ['a key twice', 'a: 1\na: 2\n', 41],
    ['a separator', 'a: 1\n---b: 2\n', 41],
    ['what follows JSON', '{"a": 1}{"b": 2}\nc: 3\n', 40],
  ])('counts the lines of a longer text that it is part of: %s', (_name, text, line) => {
    const options = { firstLine: 40, duplicateKeys: 'refuse' } as const;
    expect(() => parseYamlStream(text, options)).toThrow(`YAML, line ${line}, column`);
    expect(() => parseYamlStream('\n'.repeat(39) + text, { duplicateKeys: 'refuse' })).toThrow(`YAML, line ${line}, `);
  });
});

describe('limits', () => {
  it('refuses a text of 20 MB before it is read: that it is malformed does not show', () => {
    const text = `a: [${'x'.repeat(20 * 1024 * 1024)}`;
    expect(() => parseYaml(text)).toThrow(expect.objectContaining({ code: 'TooLarge' }));
    expect(() => parseYamlStream(text)).toThrow('at most 10485760 are read');
  });

  it('refuses nesting that would break the stack', () => {
    expect(() => parseYaml(`a: ${'['.repeat(5000)}`)).toThrow(expect.objectContaining({ code: 'Malformed' }));
  });
});

describe('formatYaml', () => {
  const traps = fc.constantFrom(
    'yes',
    'n',
    '0755',
    '0o7',
    '1_000',
    '1e3',
    '.5',
    '<<',
    '=',
    '~',
    '',
    '2001-01-01',
    '0x1F',
  );
  const text = fc.oneof(
    traps,
    fc.string(),
    fc.string({ unit: 'grapheme' }).map((each) => each.replaceAll('\ufeff', '')),
  );
  const integer = fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n).map((each) => (isSafe(each) ? Number(each) : each));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, fc.constant(null), fc.boolean(), text, integer, tie('list'), tie('mapping')),
    list: fc.array(tie('value'), { maxLength: 4 }),
    mapping: fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  }));

  function isSafe(each: bigint): boolean {
    return each >= BigInt(Number.MIN_SAFE_INTEGER) && each <= BigInt(Number.MAX_SAFE_INTEGER);
  }

  it('is read back as it was', () => {
    fc.assert(
      fc.property(fc.dictionary(text, value, { noNullPrototype: true }), (object) => {
        expect(parseYaml(formatYaml(object))).toEqual(object);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the order of keys and repeats what is shared', () => {
    const shared = { x: 1 };
    expect(formatYaml({ b: shared, a: [shared], on: 'off' })).toBe("b:\n  x: 1\na:\n  - x: 1\n'on': 'off'\n");
  });
});
