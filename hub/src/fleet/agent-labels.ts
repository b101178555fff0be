/**
 * Labels that agents report. What a token allowed and nobody planned is set only where it moves no Application; the rest is
 * held, and a person sets it by a plan, as every other change of labels. Inputs: heartbeats, and a judge that knows what
 * labels would do. Until there is a judge, labels wait.
 */
import { createLimit } from '@wheelhouse/shared/async/limit';
import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Clusters } from './clusters.ts';

type Labels = Readonly<Record<string, string>>;

/** What these labels would do to Applications; undefined when they move none. */
export type LabelsJudge = (cluster: string, labels: Labels, signal: AbortSignal) => Promise<string | undefined>;

export interface AgentLabels {
  judgedBy(judge: LabelsJudge): void;
  /** Call it with each heartbeat, on one replica. */
  onHeartbeat(cluster: string, reported: Labels | undefined): void;
}

export interface AgentLabelsDeps {
  clusters: Pick<Clusters, 'find' | 'newOwnLabels' | 'settleOwnLabels'>;
  logger: Logger;
}

/** Each looks at every ApplicationSet. */
const judgedAtOnce = 2;
const judgeTimeoutMs = 55_000;

export function createAgentLabels(deps: AgentLabelsDeps, signal: AbortSignal): AgentLabels {
  const { clusters, logger } = deps;
  const limit = createLimit(judgedAtOnce);
  const underway = new Set<string>();
  let judge: LabelsJudge | undefined;
  const settle = async (cluster: string, reported: Labels | undefined) => {
    const present = clusters.newOwnLabels(cluster, reported);
    if (!judge || signal.aborted || Object.keys(present).length === 0) return;
    const within = AbortSignal.any([signal, AbortSignal.timeout(judgeTimeoutMs)]);
    const isSet = (key: string) => clusters.find(cluster)?.labels[key] === present[key];
    const judging = judge;
    const settled = await divide(present, { isSet, judge: async (labels) => await judging(cluster, labels, within) });
    await clusters.settleOwnLabels(cluster, settled);
    const { held, reason } = settled;
    if (Object.keys(held).length > 0)
      logger.warn({ cluster, labels: held, reason }, 'labels of an agent are held: they would move Applications');
  };
  return {
    judgedBy: (given) => {
      judge = given;
    },
    onHeartbeat: (cluster, reported) => {
      if (underway.has(cluster) || Object.keys(clusters.newOwnLabels(cluster, reported)).length === 0) return;
      underway.add(cluster);
      void limit(async () => await settle(cluster, reported))
        .catch((error: unknown) => {
          if (signal.aborted) return;
          // a plan is changing this cluster, or another replica was faster: its next heartbeat tries again
          const isRace = isFleetError(error, 'Conflict');
          logger[isRace ? 'info' : 'error']({ err: error, cluster }, "a cluster's own labels wait");
        })
        .finally(() => underway.delete(cluster));
    },
  };
}

interface Judging {
  isSet(key: string): boolean;
  judge(labels: Labels): Promise<string | undefined>;
}

/** What moves nothing is taken, though it comes together with what does. */
async function divide(
  labels: Labels,
  { isSet, judge }: Judging,
): Promise<{ taken: Labels; held: Labels; reason: string }> {
  const changing = Object.keys(labels).filter((key) => !isSet(key));
  const all = await judgeThese(changing, { labels, judge });
  if (all === undefined) return { taken: labels, held: {}, reason: '' };
  const moving = new Set<string>();
  for (const key of changing) if ((await judgeThese([key], { labels, judge })) !== undefined) moving.add(key);
  const harmless = changing.filter((key) => !moving.has(key));
  // only together do they move something
  if (moving.size === 0 || (await judgeThese(harmless, { labels, judge })) !== undefined)
    for (const key of harmless) moving.add(key);
  return { ...split(labels, moving), reason: all };
}

async function judgeThese(
  keys: readonly string[],
  { labels, judge }: Pick<Judging, 'judge'> & { labels: Labels },
): Promise<string | undefined> {
  if (keys.length === 0) return undefined;
  return await judge(split(labels, new Set(keys)).held);
}

function split(labels: Labels, keys: ReadonlySet<string>): { taken: Labels; held: Labels } {
  const entries = Object.entries(labels);
  return {
    taken: Object.fromEntries(entries.filter(([key]) => !keys.has(key))),
    held: Object.fromEntries(entries.filter(([key]) => keys.has(key))),
  };
}
