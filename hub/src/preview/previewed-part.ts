import type { IndexedApplication } from '../assign/applications.ts';
import { locationOf } from '../source/location.ts';
import type { Overlay } from './overlay.ts';

/**
 * What of an Application a preview renders: of one with a source hydrator the dry source, since that is what would be written to
 * its branch, unless it is that branch which is merged to.
 */
export function previewedPart(app: IndexedApplication, { replaces }: Pick<Overlay, 'replaces'>): IndexedApplication {
  if (!app.hydration) return app;
  const isReplaced = ({ sources }: IndexedApplication) => sources.map(locationOf).some(replaces);
  const { dry } = app.hydration;
  return isReplaced(dry) || !isReplaced(app) ? dry : app;
}
