import { drySourceOf, sourcesOf } from '@wheelhouse/shared/resources/application-sources';
import { type ApplicationAnswer, formatHealth, formatName, formatOrphans, syncOf } from './application.ts';
import { formatAge, formatFields, formatTable } from './output.ts';

/** One Application as a page: where from, where to, its state with its age, conditions, resources. */
export function formatApplicationPage(app: ApplicationAnswer): string {
  const { metadata, spec, status, fleet } = app;
  const dry = spec.sourceHydrator && drySourceOf(spec.sourceHydrator);
  const fields = formatFields([
    ['Name', formatName(metadata)],
    ['Project', spec.project],
    [
      'Destination',
      [spec.destination.name ?? spec.destination.server, spec.destination.namespace].filter(Boolean).join(' / '),
    ],
    ['Cluster', fleet.cluster],
    ...sourcesOf(spec).map((source): [string, string] => ['Source', describeSource(source)]),
    ...(dry ? [['Rendered from', describeSource(dry)] as [string, string]] : []),
    ['Hydrated', describeHydration(app)],
    ['Sync policy', describePolicy(spec.syncPolicy)],
    ['Sync', [syncOf(app), status?.sync?.revision].filter(Boolean).join(' to ')],
    ['Health', [formatHealth(app), status?.health?.message].filter(Boolean).join(': ')],
    ...describeNews(fleet),
    ['Operation', describeOperation(status?.operationState)],
  ]);
  return [fields, formatConditions(app), formatResources(app)].filter(Boolean).join('\n');
}

/** How old it is what the cluster said. */
function describeNews({ ageMs, orphans }: ApplicationAnswer['fleet']): [string, string | undefined][] {
  return [
    ['Status age', ageMs === undefined ? 'never reported' : formatAge(ageMs)],
    ['Orphaned', orphans && formatOrphans(orphans)],
  ];
}

function describeSource({
  repoURL,
  path,
  chart,
  targetRevision = 'HEAD',
}: NonNullable<ApplicationAnswer['spec']['source']>): string {
  return `${repoURL} ${chart ?? path ?? '.'} @ ${targetRevision}`;
}

/** Which commit of the dry source is in the branch, and what was tried since. */
function describeHydration({ spec, status }: ApplicationAnswer): string | undefined {
  if (!spec.sourceHydrator) return undefined;
  const { lastSuccessfulOperation: last, currentOperation: now } = status?.sourceHydrator ?? {};
  const to = spec.sourceHydrator.hydrateTo?.targetBranch ?? spec.sourceHydrator.syncSource.targetBranch;
  const written = last
    ? `${shorten(last.drySHA)} to ${to} as ${shorten(last.hydratedSHA)}`
    : `nothing was written to ${to} yet`;
  const tried = now && now.phase !== 'Hydrated' ? `${now.phase} at ${shorten(now.drySHA)} since ${now.startedAt}` : '';
  return [written, tried].filter(Boolean).join('; ');
}

function shorten(sha = '?'): string {
  return sha.slice(0, 8);
}

function describePolicy(policy: ApplicationAnswer['spec']['syncPolicy']): string {
  const { automated } = policy ?? {};
  if (!automated || automated.enabled === false) return 'manual';
  return ['automated', automated.prune ? 'prune' : '', automated.selfHeal ? 'self-heal' : '']
    .filter(Boolean)
    .join(', ');
}

function describeOperation(state: NonNullable<ApplicationAnswer['status']>['operationState']): string | undefined {
  return state && [state.phase, state.message].filter(Boolean).join(': ');
}

function formatConditions({ status }: ApplicationAnswer): string {
  const conditions = status?.conditions ?? [];
  return conditions.length === 0
    ? ''
    : `Conditions:\n${conditions.map(({ type, message }) => `  ${type}: ${message}\n`).join('')}`;
}

function formatResources({ status }: ApplicationAnswer): string {
  const resources = status?.resources ?? [];
  if (resources.length === 0) return '';
  return formatTable(resources, [
    ['GROUP', ({ group }) => group],
    ['KIND', ({ kind }) => kind],
    ['NAMESPACE', ({ namespace }) => namespace],
    ['NAME', ({ name }) => name],
    ['SYNC', ({ status, requiresPruning }) => (requiresPruning ? `${status} (to be pruned)` : status)],
    ['HEALTH', ({ health }) => health?.status],
    ['MESSAGE', ({ health }) => health?.message],
  ]);
}
