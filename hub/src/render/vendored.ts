import { cp, mkdir, readdir, realpath, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { locationText, type SourceLocation } from '../source/location.ts';
import { type Collection, createCollection } from './collection.ts';
import type { Place } from './kustomize-references.ts';
import { formatPath, isWithin } from './repository-path.ts';
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

/** In order: a chart that others are put into comes after them. The collections must have been written. Throws PathNotFound for a link to nothing. */
export async function copyVendored(workspace: string, vendored: readonly Vendored[]): Promise<void> {
  for (const { from, into } of vendored) {
    const source = await realpath(placeIn(workspace, from));
    const target = placeIn(workspace, into);
    await mkdir(path.dirname(target), { recursive: true });
    await cp(source, target, { recursive: true, verbatimSymlinks: true });
    await keepLinks(source, await realpath(target), formatPath(from.path));
  }
}

/**
 * From another place, a relative link leads elsewhere, as far as out of the workspace: each is made to point at what it did, or at
 * the copy of that.
 */
async function keepLinks(source: string, copy: string, what: string): Promise<void> {
  for (const entry of await readdir(copy, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const link = path.join(entry.parentPath, entry.name);
    const name = path.relative(copy, link);
    const pointedAt = await realpath(path.join(source, name)).catch((cause: unknown) => {
      throw new FleetError('PathNotFound', `symbolic link ${name} of ${what} leads nowhere`, { cause });
    });
    const target = isWithin(source, pointedAt) ? path.join(copy, path.relative(source, pointedAt)) : pointedAt;
    await rm(link);
    await symlink(path.relative(path.dirname(link), target) || '.', link);
  }
}

function placeIn(workspace: string, place: Place): string {
  return path.join(workspace, place.in.folder, place.path);
}
