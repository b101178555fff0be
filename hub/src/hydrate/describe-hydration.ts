import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { drySourceOf } from '@wheelhouse/shared/resources/application-sources';
import type { IndexedApplication } from '../assign/applications.ts';
import { branchKey, type HydrationTarget, hydrationKey, targetOf } from './hydration-spec.ts';

/** What an Application with a source hydrator is rendered from, and where the outcome goes. */
export interface Hydration {
  /** Of the record: what is written in one commit. */
  key: string;
  /** Of the job. */
  branchKey: string;
  target: HydrationTarget;
  /** The Application as renders see it, with its dry source in the place of what is deployed; it goes to no cluster. */
  dry: IndexedApplication;
}

/** Undefined for an Application without a hydrator. `requestOf` says what must be rendered for sources of it. */
export function describeHydration(
  part: Omit<Hydration['dry'], 'request'>,
  requestOf: (sources: readonly ApplicationSource[]) => IndexedApplication['request'],
): Hydration | undefined {
  const { sourceHydrator } = part.application.spec;
  if (!sourceHydrator) return undefined;
  const target = targetOf(sourceHydrator);
  const writtenTo = branchKey(target);
  const sources = [drySourceOf(sourceHydrator)];
  const request = requestOf(sources);
  const dry = { ...part, sources, writtenTo, ...(request ? { request } : {}) };
  return { key: hydrationKey(sourceHydrator), branchKey: writtenTo, target, dry };
}

/** An Application in all its parts that are rendered. */
export function renderedParts(app: IndexedApplication): IndexedApplication[] {
  return app.hydration ? [app, app.hydration.dry] : [app];
}
