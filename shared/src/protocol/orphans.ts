import { z } from 'zod';

interface Kinds {
  group: string;
  kind: string;
}

/** Argo CD: `orphanedResources` of a project, and the kinds that it permits in namespaces: what of them belongs to nobody is told. */
export interface OrphanPolicy {
  /** gobwas globs. Without a kind or a name any is meant, without a group the core group. */
  ignore: { group?: string; kind?: string; name?: string }[];
  /** Go's `path.Match`. Absent: every kind. */
  permitted?: Kinds[];
  denied: Kinds[];
}

/** An object without an owner, in the destination namespace of an Application, that is part of no Application of its cluster. */
export interface OrphanedResource {
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
  /** RFC 3339. */
  createdAt?: string | undefined;
}

/** What an agent found in the namespace of an Application, by what its project asks for. */
export interface OrphanReport {
  total: number;
  /** RFC 3339: when it was found to be so first; `Heartbeat.orphans` says when the cluster looked last. Absent from agents before it. */
  surveyedAt?: string | undefined;
  /**
   * The Application of the same project and namespace whose report has the items, which are the same: with many of them in
   * one namespace they travel once. Absent from reports that have their own.
   */
  itemsOf?: string | undefined;
  /** The first of them, `maxOrphans` at most and of `maxOrphanBytes` together. */
  items: OrphanedResource[];
  /** What could not be looked at, and why: there may be more than was found. */
  problem?: string | undefined;
}

export const maxOrphans = 100;
export const maxOrphanBytes = 16 * 1024;

const text = z.string().max(512);

export const orphanReport = z.object({
  total: z.int().nonnegative(),
  surveyedAt: z.iso.datetime().optional(),
  itemsOf: z.string().max(512).optional(),
  items: z
    .array(
      z.object({
        group: text,
        version: text,
        kind: text,
        namespace: text,
        name: text,
        createdAt: z.string().max(64).optional(),
      }),
    )
    .max(maxOrphans),
  problem: z.string().max(4_096).optional(),
});
