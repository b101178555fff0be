import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { locationText, type SourceLocation } from '../source/location.ts';
import { type Collection, createCollection } from './collection.ts';
import type { Place } from './kustomize-references.ts';
import type { OpenLocation } from './request.ts';

/** A chart that is put where its tool would have downloaded it to, as the tool has no network. */
export interface Vendored {
  from: Place;
  /** A folder that does not exist yet. */
  into: Place;
}

/** Charts that were opened for a render, each once. */
export interface OpenCharts {
  open(location: SourceLocation): Promise<Collection>;
  all(): Collection[];
}

export function createOpenCharts(open: OpenLocation, signal: AbortSignal): OpenCharts {
  const charts = new Map<string, Collection>();
  return {
    open: async (location) => {
      const key = locationText(location);
      const known = charts.get(key);
      if (known) return known;
      const chart = createCollection(await open(location, signal), { folder: `chart-${charts.size}`, from: location });
      await chart.add('');
      charts.set(key, chart);
      return chart;
    },
    all: () => [...charts.values()],
  };
}

/** In order: a chart that others are put into comes after them. The collections must have been written. */
export async function copyVendored(workspace: string, vendored: readonly Vendored[]): Promise<void> {
  for (const { from, into } of vendored) {
    const target = placeIn(workspace, into);
    await mkdir(path.dirname(target), { recursive: true });
    await cp(placeIn(workspace, from), target, { recursive: true, verbatimSymlinks: true });
  }
}

function placeIn(workspace: string, place: Place): string {
  return path.join(workspace, place.in.folder, place.path);
}
