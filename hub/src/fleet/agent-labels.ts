/**
 * Labels that agents report. What a token allowed and nobody planned is set only where it moves no Application; the rest is
 * held, and a person sets it by a plan, as every other change of labels. Inputs: heartbeats, and a judge that knows what
 * labels would do. Until there is a judge, labels wait. Those that come while others are judged are judged together next.
 */
import { sleep } from '@wheelhouse/shared/async/abort';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { Clusters } from './clusters.ts';
import { judgeLabels, type Verdict } from './judge-labels.ts';
import { assertLabels } from './metadata.ts';

type Labels = Readonly<Record<string, string>>;

export interface OwnLabelsJudge {
  /** What labels would do to Applications; undefined when they move none. */
  whyPlanned(labels: ReadonlyMap<string, Labels>, signal: AbortSignal): Promise<Verdict | undefined>;
  /** Clusters that a plan is changing: their agents' labels wait. */
  changing(): ReadonlySet<string>;
}

export interface AgentLabels {
  judgedBy(judge: OwnLabelsJudge): void;
  /** Call it with each heartbeat, on one replica. */
  onHeartbeat(cluster: string, reported: Labels | undefined): void;
}

export interface AgentLabelsDeps {
  clusters: Pick<Clusters, 'find' | 'newOwnLabels' | 'settleOwnLabels'>;
  logger: Logger;
}

/** Of one question to the judge. */
const judgeTimeoutMs = 55_000;
/** Judging looks at every ApplicationSet again and again: at most a fifth of the time, so that more comes together. */
const restFactor = 4;
const longestRestMs = 20_000;
const parallelWrites = 32;

export function createAgentLabels(deps: AgentLabelsDeps, signal: AbortSignal): AgentLabels {
  const { clusters, logger } = deps;
  const waiting = new Map<string, Labels | undefined>();
  let judge: OwnLabelsJudge | undefined;
  let isJudging = false;
  const judgeAll = async (by: OwnLabelsJudge) => {
    while (waiting.size > 0 && !signal.aborted) {
      const began = performance.now();
      const batch = new Map(waiting);
      waiting.clear();
      await settle(batch, { ...deps, judge: by, signal }).catch((error: unknown) => {
        if (!signal.aborted) logger.error({ err: error, clusters: batch.size }, "clusters' own labels wait");
      });
      await sleep(Math.min(longestRestMs, restFactor * (performance.now() - began)), signal);
    }
  };
  return {
    judgedBy: (given) => {
      judge = given;
    },
    onHeartbeat: (cluster, reported) => {
      if (!judge || Object.keys(clusters.newOwnLabels(cluster, reported)).length === 0) return;
      waiting.set(cluster, reported);
      if (isJudging) return;
      isJudging = true;
      void judgeAll(judge).finally(() => {
        isJudging = false;
      });
    },
  };
}

interface Settling extends AgentLabelsDeps {
  judge: OwnLabelsJudge;
  signal: AbortSignal;
}

async function settle(batch: ReadonlyMap<string, Labels | undefined>, deps: Settling): Promise<void> {
  const { clusters, judge, signal } = deps;
  const busy = judge.changing();
  const present = new Map<string, Labels>();
  const changing = new Map<string, Labels>();
  for (const [cluster, reported] of batch) {
    const labels = busy.has(cluster) ? {} : clusters.newOwnLabels(cluster, reported);
    if (Object.keys(labels).length === 0 || !isSettable(cluster, labels, deps)) continue;
    present.set(cluster, labels);
    const own = clusters.find(cluster)?.labels;
    changing.set(
      cluster,
      pick(labels, (key) => own?.[key] !== labels[key]),
    );
  }
  const held = await judgeLabels(
    changing,
    async (labels) => await judge.whyPlanned(labels, AbortSignal.any([signal, AbortSignal.timeout(judgeTimeoutMs)])),
  );
  // judging takes a while, and a plan may have begun
  const begun = judge.changing();
  await mapLimit([...present], parallelWrites, async ([cluster, labels]) => {
    if (!signal.aborted && !begun.has(cluster))
      await settleOne(cluster, { labels, reasons: held.get(cluster) ?? {} }, deps);
  });
}

/** One that cannot be set does not keep the others waiting. */
function isSettable(cluster: string, labels: Labels, { clusters, logger }: AgentLabelsDeps): boolean {
  try {
    assertLabels(cluster, labels);
  } catch (error) {
    logger.error({ err: error, cluster }, "a cluster's own labels cannot be set");
    return false;
  }
  return clusters.find(cluster) !== undefined;
}

async function settleOne(
  cluster: string,
  { labels, reasons }: { labels: Labels; reasons: Labels },
  { clusters, logger, signal }: Settling,
): Promise<void> {
  const held = pick(labels, (key) => reasons[key] !== undefined);
  const reason = [...new Set(Object.values(reasons))].join('; ');
  try {
    await clusters.settleOwnLabels(cluster, { taken: pick(labels, (key) => reasons[key] === undefined), held, reason });
  } catch (error) {
    if (signal.aborted) return;
    // another replica was faster: its next heartbeat tries again
    logger[isFleetError(error, 'Conflict') ? 'info' : 'error']({ err: error, cluster }, "a cluster's own labels wait");
    return;
  }
  if (Object.keys(held).length > 0)
    logger.warn({ cluster, labels: held, reason }, 'labels of an agent are held: they would move Applications');
}

function pick(labels: Labels, isWanted: (key: string) => boolean): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => isWanted(key)));
}
