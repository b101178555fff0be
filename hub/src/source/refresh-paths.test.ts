import { expect, it } from 'vitest';
import { hydratedApplication } from '../hydrate/testing/hydrated-application.ts';
import { applicationOf } from '../testing/hub-state.ts';
import { filesChanged, generatePathsAnnotation, refreshPathsOf } from './refresh-paths.ts';

const metadata = (paths: string) => ({ metadata: { annotations: { [generatePathsAnnotation]: paths } } });
const hydrator = { dry: { path: 'base' }, sync: { path: 'wet' } };

it.each([
  ['a source', applicationOf('shop', { source: { path: 'app' }, ...metadata('.;/lib') }), ['app', 'lib']],
  [
    'a dry source, beside what is written',
    hydratedApplication('shop', hydrator, metadata('.;/lib')),
    ['base', 'lib', 'wet'],
  ],
  ['nothing is said: any change counts', hydratedApplication('shop', hydrator), []],
])('paths of %s', (_name, application, expected) => {
  expect(refreshPathsOf(application)).toEqual(expected);
});

it('many stars in a path take no longer', () => {
  const stars = '*a'.repeat(12);
  expect(filesChanged([`/${stars}*b`], [`${'a'.repeat(200)}.yaml`])).toBe(false);
  expect(filesChanged([`/${stars}*`], [`${'a'.repeat(200)}.yaml`])).toBe(true);
});
