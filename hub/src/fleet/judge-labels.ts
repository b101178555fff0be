/**
 * Judges labels that many agents report, all at once where that is enough. Inputs: the labels, and a judge that knows what
 * a change would do, which costs a look at every ApplicationSet whether it is of one label or of ten thousand. How often it
 * is asked grows with the logarithm of the number of labels. What it cannot tell apart in time is held: that is the safe side.
 */

type Labels = Readonly<Record<string, string>>;

export interface Verdict {
  /** What would become of Applications, in words. */
  reason: string;
  /** Clusters of these Applications; none where it is not known. */
  clusters: ReadonlySet<string>;
}

/** What labels of these clusters would do together; undefined when they move no Application. */
export type LabelsJudge = (labels: ReadonlyMap<string, Labels>) => Promise<Verdict | undefined>;

interface Item {
  cluster: string;
  key: string;
  value: string;
}

/** Suspects that are looked at one by one; more are held together. */
const mostAlone = 16;
/** Keys that are judged apart from each other. */
const mostKeys = 8;
/** How often suspects are taken out before everything that is left is held. */
const mostRounds = 4;

/** Of these labels, by cluster: those that would move something, with why. */
export async function judgeLabels(
  reported: ReadonlyMap<string, Labels>,
  judge: LabelsJudge,
): Promise<Map<string, Record<string, string>>> {
  const items = [...reported].flatMap(([cluster, labels]) =>
    Object.entries(labels).map(([key, value]): Item => ({ cluster, key, value })),
  );
  const held = new Map<Item, string>();
  if (items.length === 0 || (await whyMoving(items, judge)) === undefined) return new Map();
  const byKey = [...Map.groupBy(items, ({ key }) => key).values()];
  if (byKey.length > 1 && byKey.length <= mostKeys) for (const some of byKey) await singleOut(some, { held, judge });
  // of different keys, only together do they move something
  await singleOut(
    items.filter((item) => !held.has(item)),
    { held, judge },
  );
  const reasons = new Map<string, Record<string, string>>();
  for (const [{ cluster, key }, reason] of held) reasons.set(cluster, { ...reasons.get(cluster), [key]: reason });
  return reasons;
}

interface Judging {
  held: Map<Item, string>;
  judge: LabelsJudge;
}

/** Holds as many of these that the rest moves nothing. */
async function singleOut(items: readonly Item[], { held, judge }: Judging): Promise<void> {
  let rest = items;
  for (let round = 1; rest.length > 0; round += 1) {
    const verdict = await whyMoving(rest, judge);
    if (!verdict) return;
    const named = rest.filter(({ cluster }) => verdict.clusters.has(cluster));
    const suspects = named.length > 0 && round < mostRounds ? named : rest;
    if (suspects.length <= mostAlone) await holdAlone(suspects, { held, judge });
    // they move something only together, or are too many to be told apart
    if (!suspects.some((item) => held.has(item))) {
      const reason = reasonOf(verdict, suspects);
      for (const item of suspects) held.set(item, reason);
    }
    rest = rest.filter((item) => !held.has(item));
  }
}

async function holdAlone(suspects: readonly Item[], { held, judge }: Judging): Promise<void> {
  for (const item of suspects) {
    const verdict = await judge(labelsOf([item]));
    if (verdict) held.set(item, verdict.reason);
  }
}

function reasonOf({ reason }: Verdict, items: readonly Item[]): string {
  const { size } = new Set(items.map(({ cluster }) => cluster));
  return size === 1 ? reason : `${reason}, by labels of ${size} clusters together`;
}

/**
 * What moves nothing together may do so while it is set one after the other: two clusters that exchange what places an
 * Application. Any two items differ in a bit of their places, so one of these subsets has the one without the other.
 */
async function whyMoving(items: readonly Item[], judge: LabelsJudge): Promise<Verdict | undefined> {
  const together = await judge(labelsOf(items));
  if (together || items.length < 2) return together;
  for (let bit = 1; bit < items.length; bit *= 2)
    for (const side of [0, bit]) {
      const verdict = await judge(labelsOf(items.filter((_item, place) => (place & bit) === side)));
      if (verdict) return verdict;
    }
  return undefined;
}

function labelsOf(items: readonly Item[]): Map<string, Record<string, string>> {
  const labels = new Map<string, Record<string, string>>();
  for (const { cluster, key, value } of items) labels.set(cluster, { ...labels.get(cluster), [key]: value });
  return labels;
}
