import { expect, it } from 'vitest';
import { hydratedApplication } from '../hydrate/testing/hydrated-application.ts';
import type { SourceLocation } from '../source/location.ts';
import { applicationOf, createHubState } from '../testing/hub-state.ts';
import { previewedPart } from './previewed-part.ts';

it.each<[string, string[], 'dry' | 'deployed']>([
  ['something else changes', [], 'dry'],
  ['the dry source changes', ['main'], 'dry'],
  ['both change', ['main', 'environments/east'], 'dry'],
  ['its branch is merged to', ['environments/east'], 'deployed'],
])('of an Application with a source hydrator, when %s', async (_name, replaced, part) => {
  const state = await createHubState();
  await state.specs.put(hydratedApplication('shop'), { by: 'ann' });
  const [app] = state.applications.list();
  if (!app?.hydration) throw new Error('it has no hydration');
  const replaces = ({ targetRevision }: SourceLocation) => replaced.includes(targetRevision);
  expect(previewedPart(app, { replaces })).toBe(part === 'dry' ? app.hydration.dry : app);
});

it('of any other Application it is the whole', async () => {
  const state = await createHubState();
  await state.specs.put(applicationOf('shop'), { by: 'ann' });
  const [app] = state.applications.list();
  expect(app && previewedPart(app, { replaces: () => true })).toBe(app);
});
