/**
 * Objects of any kind whose status lists clusters, for the generator clusterDecisionResource, carry this label with the
 * value `true`: the hub has no cluster whose API it could ask, so they are applied to the hub like settings.
 */
export const decisionLabel = 'wheelhouse.dev/cluster-decisions';

export function isDecisionResource(object: object): boolean {
  const { metadata } = object as { metadata?: unknown };
  const { labels } = (metadata ?? {}) as { labels?: Record<string, unknown> };
  return labels?.[decisionLabel] === 'true';
}
