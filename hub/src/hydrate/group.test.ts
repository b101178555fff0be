import { expect, it } from 'vitest';
import { factsOf } from '../assign/render-request.ts';
import { indexedOf } from '../testing/hub-state.ts';
import { describeHydration } from './describe-hydration.ts';
import { groupsOf, sharedFolders } from './group.ts';
import { hydratedApplication } from './testing/hydrated-application.ts';

const indexed = (name: string, path: string) => {
  const application = hydratedApplication(name, { sync: { path } });
  const app = indexedOf(application);
  const hydration = describeHydration(app, () => ({ key: name, facts: factsOf(application) }));
  return { ...app, ...(hydration ? { hydration } : {}) };
};
const named = (count: number, path: string) =>
  Array.from({ length: count }, (_, index) => indexed(`app-${index + 1}`, path));

it.each([
  [2, 'app-1', /is also that of app-2: give/u],
  [4, 'app-4', /is also that of app-1, app-2, app-3: give/u],
  [5, 'app-2', /is also that of app-1, app-3, app-4 and 1 more: give/u],
  [7, 'app-7', /is also that of app-1, app-2, app-3 and 3 more: give/u],
])('of %i Applications of one folder, %s is told of three others and the rest', (count, id, message) => {
  const shared = sharedFolders(groupsOf([...named(count, 'shop'), indexed('alone', 'till')]));
  expect(shared.size).toBe(count);
  expect(shared.get(id)).toMatch(message);
});
