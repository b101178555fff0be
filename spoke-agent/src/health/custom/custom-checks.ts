/**
 * Health of kinds that are not Kubernetes' own, as the checks say that Argo CD ships for them. They are data more than code:
 * tables of rules by kind, a file a field. A kind that is in none of them has no health.
 */
import { argoChecks } from './argo.ts';
import { autoscalingChecks } from './autoscaling.ts';
import { cloudChecks, cloudGroups } from './cloud.ts';
import { dataChecks } from './data.ts';
import { fluxChecks } from './flux.ts';
import { gatewayChecks } from './gateways.ts';
import { kubernetesChecks } from './kubernetes.ts';
import { openShiftChecks } from './openshift.ts';
import { operatorChecks } from './operators.ts';
import { platformChecks, platformGroups } from './platform.ts';
import type { Check } from './rules.ts';
import { secretChecks } from './secrets.ts';

const byKind = new Map<string, Check>(
  Object.entries({
    ...argoChecks,
    ...autoscalingChecks,
    ...cloudChecks,
    ...dataChecks,
    ...fluxChecks,
    ...gatewayChecks,
    ...kubernetesChecks,
    ...openShiftChecks,
    ...operatorChecks,
    ...platformChecks,
    ...secretChecks,
  }),
);
const byGroup = [...cloudGroups, ...platformGroups];

/** Kinds that have a check, `group/Kind`, and endings of groups of which every kind has one. */
export const customKinds = { kinds: [...byKind.keys()], groups: byGroup.map(([ending]) => ending) };

/** The check of a kind: its own, else that of its group. */
export function findCustomCheck(group: string, kind: string): Check | undefined {
  const own = byKind.get(`${group}/${kind}`);
  if (own || !group.includes('.')) return own;
  return byGroup.find(([ending]) => group.endsWith(ending))?.[1];
}
