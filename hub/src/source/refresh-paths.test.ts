import { expect, it } from 'vitest';
import { hydratedApplication } from '../hydrate/testing/hydrated-application.ts';
import { applicationOf } from '../testing/hub-state.ts';
import { generatePathsAnnotation, refreshPathsOf } from './refresh-paths.ts';

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
