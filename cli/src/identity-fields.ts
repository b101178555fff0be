import type { FleetCluster } from '@wheelhouse/hub/api/deps';
import { formatAge } from './output.ts';

/** What there is to know of a cluster's identity beyond its state, each with the way out where something is wrong. */
export function identityFields(cluster: FleetCluster): [label: string, value: string | undefined][] {
  const { name, pending, revoked, leaving, rekey, clockSkewMs, formerNames } = cluster;
  return [
    ['Pending', pending && `since ${pending.since}; let it in: wheelhouse cluster approve ${name}`],
    [
      'Revoked',
      revoked && `${revoked.reason} (${revoked.at}, ${revoked.by}); back: wheelhouse cluster token ${name} --replace`,
    ],
    ['Leaving', leaving && `since ${leaving.at}, ${leaving.by}; its workloads ${leaving.cascade ? 'go' : 'stay'}`],
    ...historyFields(cluster),
    ['New key', rekey && `asked for by ${rekey.by} at ${rekey.at}`],
    ['Clock', clockSkewMs === undefined ? undefined : formatSkew(clockSkewMs)],
    ['Was named', formerNames?.join(', ')],
  ];
}

function historyFields(cluster: FleetCluster): [label: string, value: string | undefined][] {
  const { name, enrolledAt, keyedAt = enrolledAt, labelled, cloned } = cluster;
  return [
    ['Enrolled', enrolledAt && `${formatSince(enrolledAt)} ago`],
    ['Key', keyedAt && `made ${formatSince(keyedAt)} ago`],
    ['Credentials', cluster.credentials && formatCredentials(cluster.credentials)],
    ['Adoption', cluster.adoption && formatAdoption(name, cluster.adoption)],
    ['Cloned', cloned && `installation ${cloned.uid} used its identity too (${cloned.at})`],
    [
      'Labelled',
      labelled && `${formatSince(labelled.at)} ago by ${labelled.by}; all changes: wheelhouse cluster history ${name}`,
    ],
  ];
}

function formatCredentials({ issuedAt, expiresAt }: NonNullable<FleetCluster['credentials']>): string {
  const leftMs = Date.parse(expiresAt) - Date.now();
  if (leftMs <= 0)
    return `ran out ${formatAge(-leftMs)} ago (${expiresAt}); its agent gets new ones by proof of its key when it is back`;
  return `run out in ${formatAge(leftMs)} (${expiresAt}), renewed ${formatSince(issuedAt)} ago`;
}

function formatAdoption(name: string, adoption: NonNullable<FleetCluster['adoption']>): string {
  const { state, adoptedAt, generation, unexplained, problem } = adoption;
  if (problem) return `${state} at ${problem.at}: ${problem.message}`;
  const taken = adoptedAt === undefined ? '' : `, generation ${generation} taken over ${formatSince(adoptedAt)} ago`;
  if (unexplained === 0) return `${state}${taken}`;
  return `${state}${taken}: nothing explains ${unexplained} of its Applications, which stay; say what becomes of them: wheelhouse hub adoption release ${name}`;
}

function formatSince(at: string): string {
  return formatAge(Date.now() - Date.parse(at));
}

function formatSkew(ms: number): string {
  return `${formatAge(Math.abs(ms))} ${ms > 0 ? 'ahead of' : 'behind'} the hub's; set the clock of the agent's machine`;
}
