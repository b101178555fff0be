import { describe, expect, it } from 'vitest';
import { parseJqPaths, parseJsonPointer } from './jq-path.ts';
import { withoutPaths } from './path-steps.ts';

const object = () => ({
  spec: {
    replicas: 3,
    paused: null,
    containers: [
      { name: 'main', image: 'i:1', env: [{ name: 'A', value: '1' }] },
      { name: 'side', image: 's:1' },
    ],
  },
  labels: { 'a.b/c': 'x', keep: 'y' },
});

function without(expression: string) {
  const paths = parseJqPaths(expression);
  return paths && withoutPaths(object(), paths);
}

const { spec, labels } = object();
const [main, side] = spec.containers;
const { image: _main, ...mainWithoutImage } = main as { image: string };
const { image: _side, ...sideWithoutImage } = side as { image: string };
const { env: _env, ...mainWithoutEnv } = main as { env: unknown };

describe('what a jq path names is taken out', () => {
  it.each([
    ['.spec.replicas?', { spec: { paused: null, containers: spec.containers }, labels }],
    ['.spec | .replicas, .paused', { spec: { containers: spec.containers }, labels }],
    ['(.spec.replicas, .spec.paused), .labels', { spec: { containers: spec.containers } }],
    ['.labels["a.b/c"]', { spec, labels: { keep: 'y' } }],
    ['.labels."a.b/c"', { spec, labels: { keep: 'y' } }],
    ['.spec.containers[0]', { spec: { ...spec, containers: [side] }, labels }],
    ['.spec.containers[-1]', { spec: { ...spec, containers: [main] }, labels }],
    ['.spec.containers[].image', { spec: { ...spec, containers: [mainWithoutImage, sideWithoutImage] }, labels }],
    ['.. | .image?', { spec: { ...spec, containers: [mainWithoutImage, sideWithoutImage] }, labels }],
    ['.spec.nope[].image', object()],
    ['.spec.containers[] | select(.name == "side")', { spec: { ...spec, containers: [main] }, labels }],
    ['.. | select(.name? == "A")', { spec: { ...spec, containers: [{ ...main, env: [] }, side] }, labels }],
  ])('%s', (expression, expected) => {
    expect(without(expression)).toEqual(expected);
  });

  it.each([
    ['.name | test("^m")'],
    ['.name != "side"'],
    ['.env != null'],
    ['has("env")'],
    ['has("env") and (.name | startswith("ma"))'],
    ['.name == "x" or ((.image | endswith(":1")) and (.image | contains("i")))'],
    ['(.name == "side") | not'],
    ['.env[].name == "A"'],
    ['(.env | length) == 1'],
    ['.env | type == "array"'],
    ['has("env") and (has("constructor") | not)'],
    ['.name != .image and .env != null'],
  ])('of the items where %s', (condition) => {
    expect(without(`.spec.containers[] | select(${condition}) | .env`)).toEqual({
      spec: { ...spec, containers: [mainWithoutEnv, side] },
      labels,
    });
  });

  it('leaves the object as it is, and shares what is not on the way', () => {
    const before = object();
    const after = withoutPaths(before, parseJqPaths('.spec.containers[].env[] | select(.name == "A")') ?? []);
    expect(before).toEqual(object());
    expect(after.labels).toBe(before.labels);
    expect(after.spec.containers[1]).toBe(before.spec.containers[1]);
    expect(withoutPaths(before, [parseJsonPointer('/spec/none'), parseJsonPointer('/none/below')])).toBe(before);
  });
});

it.each([
  '',
  '.',
  '..',
  'select(.a == 1)',
  '.a | keys',
  '.a | to_entries[]',
  '.. | ..',
  'invalid[',
  '.a =',
  '.a |',
  '.a[1:2]',
  '.a[] | select(.b | test("("))',
  '.a[] | select(.b | explode("x"))',
  '.a[] | select(.b == .c[])',
  '.a[] | select(.b == (.c))',
  '.a[] | select(constructor)',
  '.a[] | select(.b | toString)',
  '.a[] | select(.b | valueOf("x"))',
  'env.HOME',
  'empty',
  `.${'a'.repeat(2_000)}`,
  '('.repeat(2_000),
  `.a | select(${'('.repeat(1_900)}`,
  Array.from({ length: 8 }, () => '(.a, .b)').join(' | '),
])('%s is not understood', (expression) => {
  expect(parseJqPaths(expression)).toBeUndefined();
});
