import { createFakeDeps, type FakeDeps } from '@wheelhouse/hub/api/testing/fake-deps';
import { beforeEach, expect, it } from 'vitest';
import { type Served, serve } from '../testing/served.ts';
import { formatWhy } from './rollout.ts';

let deps: FakeDeps;
let cli: Served;

beforeEach(async () => {
  deps = createFakeDeps();
  cli = await serve(deps);
  return async () => await cli[Symbol.asyncDispose]();
});

const run = async (...args: string[]) => await cli.run(['rollout', ...args]);

it('lists rollouts with where each is, and why', async () => {
  expect((await run('list')).out).toMatch(/shop +FleetRollout +Progressing .*step canary \(1 of 2\): 0 of 1 healthy/);
});

it('says of one that rests that it is paused', () => {
  const pause = { by: 'ann', reason: 'freeze', until: '2026-01-02T00:00:00Z' };
  const message = 'everything is as Git says';
  expect(formatWhy({ phase: 'Completed', message, pause })).toBe(
    'paused by ann: freeze, until 2026-01-02T00:00:00Z; everything is as Git says',
  );
  expect(formatWhy({ phase: 'Completed', message })).toBe(message);
  expect(formatWhy({ phase: 'Paused', message: 'paused by ann: freeze', pause })).toBe('paused by ann: freeze');
});

it('shows one, and says of one that there is not that it does not exist', async () => {
  expect((await run('get', 'shop')).out).toMatch(/Name: +shop\nKind: +FleetRollout\nPhase: +Progressing/);
  expect(await run('get', 'shop', '--kind', 'RollingSync')).toMatchObject({
    code: 1,
    err: expect.stringContaining('rollout argocd/shop does not exist') as string,
  });
});

it.each([
  [['pause', 'shop', '--reason', 'freeze'], 'rollout shop paused: freeze\n', '"reason":"freeze"'],
  [['pause', 'shop', '--reason', 'x', '--for', '2h'], 'rollout shop paused: x\n', '"ends":true'],
  [['resume', 'shop'], 'rollout shop resumed\n', 'resume rollout.argocd.shop'],
  [['abort', 'shop', '--reason', 'bad'], 'rollout shop is ended where it is\n', '"reason":"bad"'],
  [['undo', 'shop', '--reason', 'slow'], 'rollout shop is taken back\n', '"reason":"slow"'],
  [
    ['approve', 'shop', '--step', 'rest', '--comment', 'seen'],
    'rollout shop: step rest approved\n',
    '"comment":"seen"',
  ],
])('asks for what %j says', async (args, said, call) => {
  expect(await run(...args)).toEqual({ code: 0, out: said, err: '' });
  expect(deps.calls).toEqual([expect.stringContaining(call) as string]);
});

it.each([
  [['pause', 'shop'], "required option '--reason <text>'"],
  [['undo', 'shop'], "required option '--reason <text>'"],
  [['get', 'shop', '--kind', 'Deployment'], 'Allowed choices are FleetRollout, RollingSync'],
])('refuses %j', async (args, message) => {
  expect(await run(...args)).toMatchObject({ code: 2, err: expect.stringContaining(message) as string });
  expect(deps.calls).toEqual([]);
});
