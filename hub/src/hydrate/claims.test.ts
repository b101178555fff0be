import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { beforeEach, describe, expect, it } from 'vitest';
import { runHydrate } from './hydrate-stage.ts';
import { whyNotHydrated } from './hydration-status.ts';
import { hydratedApplication } from './testing/hydrated-application.ts';
import { by, createHydrating, type Hydrating, main, signal } from './testing/hydrating.ts';

let parts: Hydrating;

/** `shop` has its folder, and `till` another of the same branch. */
beforeEach(async () => {
  parts = await createHydrating();
  await parts.put('shop', 'one');
  await parts.put('till', 'one');
  await parts.run();
});

const key = () => parts.keys()[0] ?? '';
const intrude = async (name = 'intruder') => await parts.put(name, 'mine', { path: 'a/../shop' });
const owners = async () => {
  const { value } = (await parts.state.hydrations.readClaims(key())) ?? {};
  return Object.fromEntries(Object.entries(value?.owners ?? {}).map(([path, { id }]) => [path, id]));
};
const said = (id: string) => {
  const indexed = parts.state.applications.find(id);
  const record = parts.state.hydrations.find(indexed?.hydration?.key ?? '');
  return record && whyNotHydrated(id, record);
};
const forbid = async (name: string) =>
  await parts.state.specs.put(hydratedApplication(name, {}, { spec: { project: 'gone' } }), by);
/** Writes whatever is new, and says which folders. */
const next = async (sha: string) => {
  for (const name of Object.keys(parts.texts)) parts.texts[name] = sha;
  await parts.commit(sha);
  await parts.run();
  return parts.folders();
};

describe('a folder that is claimed by another Application', () => {
  it.each(['intruder', 'a-intruder', 'zz'])('stays whose it is, and %s is refused with its name', async (name) => {
    await intrude(name);
    await parts.run();
    expect(said(name)).toBe(
      'folder shop on branch environments/east of https://git.example.com/shop.git belongs to application shop, which claimed it first: give this one a spec.sourceHydrator.syncSource.path of its own',
    );
    expect([said('shop'), said('till')]).toEqual([undefined, undefined]);
    expect(parts.record()).toMatchObject({ phase: 'Hydrated' });
    expect(await next('dry2')).toEqual(['shop', 'till']);
    expect(parts.pushes.at(-1)?.wanted.folders[0]?.files['manifest.yaml']).toContain('name: shop');
    expect(said(name)).toContain('belongs to application shop');
  });

  it('stays so where the other is made from another revision', async () => {
    const other = hydratedApplication('other', { dry: { targetRevision: 'next' }, sync: { path: 'shop' } });
    await parts.state.specs.put(other, by);
    await parts.state.derived.putRevision({ ...main, targetRevision: 'next', sha: 'dry9' });
    await parts.run();
    expect(said('other')).toContain('belongs to application shop');
    expect(said('shop')).toBeUndefined();
    expect(await next('dry2')).toEqual(['shop', 'till']);
  });

  it('stays so for one that was never rendered, and for one whose refusal is waited for', async () => {
    await parts.put('late', new FleetError('RenderFailed', 'no', { retryable: false }));
    await parts.run();
    await parts.put('thief', 'mine', { path: 'late' });
    await parts.run();
    expect(said('late')).toBe('no');
    expect(said('thief')).toContain('belongs to application late');
  });

  it('is told of while the branch itself waits', async () => {
    parts.answer = () => {
      throw new FleetError('PushRefused', 'protected');
    };
    await next('dry2');
    await intrude();
    await parts.run();
    expect(parts.pushes).toHaveLength(2);
    expect(said('intruder')).toContain('belongs to application shop');
    expect(said('shop')).toMatch(/^protected/u);
  });

  it('is free once its Application names another', async () => {
    await intrude();
    await parts.run();
    await parts.put('shop', 'one', { path: 'elsewhere' });
    await parts.run();
    expect(said('intruder')).toBeUndefined();
    expect(await owners()).toEqual({ shop: 'intruder', till: 'till', elsewhere: 'shop' });
  });

  it('is free some time after its Application is gone, which is told', async () => {
    await intrude();
    await parts.run();
    await parts.state.specs.delete('Application', 'argocd', 'shop');
    await parts.run();
    expect(said('intruder')).toContain(
      'belongs to application shop, which is not there any more: it is free at the first sweep after 2026-01-01T00:10:00.000Z',
    );
    parts.state.pass(10 * 60_000 - 1);
    expect(await next('dry2')).toEqual(['till']);
    parts.state.pass(1);
    await parts.run();
    expect(parts.folders()).toEqual(['shop']);
    expect(said('intruder')).toBeUndefined();
  });

  it('is still that of an Application that was gone for a while', async () => {
    await intrude();
    await parts.run();
    await parts.state.specs.delete('Application', 'argocd', 'shop');
    await parts.run();
    parts.state.pass(9 * 60_000);
    await parts.put('shop', 'one');
    await parts.run();
    parts.state.pass(9 * 60_000);
    await parts.run();
    expect(await next('dry2')).toEqual(['shop', 'till']);
    expect(said('intruder')).toContain('which claimed it first');
  });

  it('is not free while its Application is not permitted', async () => {
    await intrude();
    await parts.run();
    await forbid('shop');
    expect(await next('dry2')).toEqual(['till']);
    expect(said('intruder')).toContain('belongs to application shop');
  });
});

describe('where claims are lost', () => {
  const loseClaims = async () => {
    const stored = await parts.state.hydrations.readClaims(key());
    await parts.state.hydrations.deleteClaims(key(), stored?.revision ?? 0);
  };

  it('a folder is whose it was written for', async () => {
    await intrude('a-intruder');
    await parts.run();
    await loseClaims();
    expect(await next('dry2')).toEqual(['shop', 'till']);
    expect(said('a-intruder')).toContain('belongs to application shop');
    expect(await owners()).toEqual({ shop: 'shop', till: 'till' });
  });

  it('and nothing else is known, those of one folder are refused, and no others', async () => {
    await intrude('a-intruder');
    await loseClaims();
    for (const one of parts.state.hydrations.list()) await parts.state.hydrations.delete(one.key);
    expect(await next('dry2')).toEqual(['till']);
    expect(said('shop')).toMatch(/is also that of a-intruder: give each/u);
    expect(said('a-intruder')).toMatch(/is also that of shop: give each/u);
    await parts.state.specs.delete('Application', 'argocd', 'a-intruder');
    await parts.run();
    expect(said('shop')).toBeUndefined();
    expect(parts.folders()).toEqual(['shop']);
  });
});

it.each([
  [2, 'app-1', /is also that of app-2: give/u],
  [4, 'app-4', /is also that of app-1, app-2, app-3: give/u],
  [5, 'app-2', /is also that of app-1, app-3, app-4 and 1 more: give/u],
  [7, 'app-7', /is also that of app-1, app-2, app-3 and 3 more: give/u],
])('of %i Applications that come at once, %s is told of three others and the rest', async (count, id, message) => {
  for (let index = 1; index <= count; index += 1) await parts.put(`app-${index}`, 'one', { path: 'shared' });
  await parts.run();
  expect(Object.keys(parts.record()?.refused ?? {})).toHaveLength(count);
  expect(said(id)).toMatch(message);
});

it('of two replicas that decide at once, one does, and the other writes nothing', async () => {
  const { hydrations } = parts.state;
  const stale = await hydrations.readClaims(key());
  await parts.put('first', 'one', { path: 'new' });
  await parts.run();
  expect(await owners()).toMatchObject({ new: 'first' });
  const before = parts.pushes.length;
  await expect(parts.run({ hydrations: { ...hydrations, readClaims: async () => stale } })).rejects.toThrow(
    expect.objectContaining({ code: 'Conflict' }),
  );
  expect(parts.pushes).toHaveLength(before);
});

it('claims of a branch that nobody names any more are forgotten', async () => {
  const branch = key();
  for (const name of ['shop', 'till']) await parts.state.specs.delete('Application', 'argocd', name);
  await runHydrate({ key: branch }, parts.deps(), signal);
  expect(parts.state.hydrations.branchKeys()).toEqual([branch]);
  parts.state.pass(10 * 60_000);
  await runHydrate({ key: branch }, parts.deps(), signal);
  expect(parts.state.hydrations.branchKeys()).toEqual([]);
});
