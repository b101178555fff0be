/** What a change of labels does to one ApplicationSet: compares what it gives now with what it would give. Pure. */
import type { Application } from '@wheelhouse/shared/resources/application';
import { drySourceOf, sourcesOf } from '@wheelhouse/shared/resources/application-sources';
import { isStandby } from '@wheelhouse/shared/resources/standby';
import { idOf } from '../assign/applications.ts';
import { cascades } from '../assign/withdraw.ts';
import type { Placement, Plan } from './plan-record.ts';
import type { MovePolicy } from './policy.ts';

export interface ImpactInput {
  /** `namespace/name`. */
  set: string;
  before: readonly Application[];
  after: readonly Application[];
  clusterOf(application: Application): string | undefined;
  policyOf(application: Application): MovePolicy;
}

export interface Impact extends Pick<Plan, 'leaves' | 'arrives' | 'changes'> {
  /** For each place of what arrives (`cluster/app`), an Application of now that is the same workload. */
  likeness: Map<string, string>;
  /** What leaves and arrives at each place (`cluster/app`), wherever it runs. */
  workloads: Map<string, string>;
  /** Applications that leave and would run nowhere. */
  emptied: { app: string; cluster: string }[];
  problems: string[];
}

interface Placed {
  application: Application;
  app: string;
  cluster: string;
  /** What it is, wherever it runs. */
  workload: string;
}

export function impactOf(input: ImpactInput): Impact {
  const before = input.before.flatMap((application) => placed(application, input));
  const after = input.after.flatMap((application) => placed(application, input));
  const were = new Map(before.map((one) => [placeOf(one), one]));
  const willBe = new Map(after.map((one) => [placeOf(one), one]));
  // one that runs and becomes a standby leaves, and the other way round, although it is there all the time
  const starts = (one: Placed, other: Placed | undefined) => other !== undefined && runs(one) && !runs(other);
  const leaving = before.filter((one) => !willBe.has(placeOf(one)) || starts(one, willBe.get(placeOf(one))));
  const arriving = after.filter((one) => !were.has(placeOf(one)) || starts(one, were.get(placeOf(one))));
  const moving = new Set([...leaving, ...arriving].map(placeOf));
  const staying = after.filter((one) => !moving.has(placeOf(one)));
  const standbyOf = (one: Placed): Pick<Placement, 'standby'> =>
    were.has(placeOf(one)) && willBe.has(placeOf(one)) ? { standby: true } : {};
  const changes = staying
    .filter((one) => JSON.stringify(were.get(placeOf(one))?.application.spec) !== JSON.stringify(one.application.spec))
    .map(({ app, cluster }) => ({ app, cluster, set: input.set }));
  const leaves = leaving.map((one) => ({
    ...placementOf(one, input),
    ...standbyOf(one),
    ...staysOf(one, { arriving: arriving.filter(runs), staying: staying.filter(runs) }),
  }));
  return {
    leaves,
    arrives: arriving.map((one) => ({ ...placementOf(one, input), ...standbyOf(one) })),
    changes,
    likeness: likenessOf(arriving, before),
    workloads: new Map([...leaving, ...arriving].map((one) => [placeOf(one), one.workload])),
    emptied: leaves
      .filter(({ app, cluster, stays }) => stays?.length === 0 && runsAt(were, { app, cluster }))
      .map(({ app, cluster }) => ({ app, cluster })),
    problems: [...leaving, ...arriving].flatMap(({ application }) => input.policyOf(application).problem ?? []),
  };
}

function runs({ application }: Placed): boolean {
  return !isStandby(application);
}

function runsAt(places: ReadonlyMap<string, Placed>, place: { app: string; cluster: string }): boolean {
  const found = places.get(placeOf(place));
  return found !== undefined && runs(found);
}

function likenessOf(arriving: readonly Placed[], before: readonly Placed[]): Map<string, string> {
  const apps = new Map(before.map(({ workload, app }) => [workload, app]));
  return new Map(
    arriving.flatMap((one) => {
      const app = apps.get(one.workload);
      return app === undefined ? [] : [[placeOf(one), app] as const];
    }),
  );
}

function placed(application: Application, input: ImpactInput): Placed[] {
  const cluster = input.clusterOf(application);
  if (cluster === undefined) return [];
  return [{ application, app: idOf(application), cluster, workload: workloadOf(application, cluster) }];
}

export function placeOf({ app, cluster }: { app: string; cluster: string }): string {
  return `${cluster}/${app}`;
}

/** The same source in the same namespace is the same workload, also where its path names the cluster. */
function workloadOf({ spec }: Application, cluster: string): string {
  const [source] = spec.sourceHydrator ? [drySourceOf(spec.sourceHydrator)] : sourcesOf(spec);
  const path = (source?.path ?? '').split('/').map((segment) => (segment === cluster ? '*' : segment));
  return [source?.repoURL, source?.chart, path.join('/'), spec.destination.namespace].join('\n');
}

const mostStays = 10;

/** Absent where something arrives in its stead; empty where it would run nowhere any more. */
function staysOf(leaving: Placed, rest: { arriving: Placed[]; staying: Placed[] }): Pick<Placement, 'stays'> {
  const same = ({ workload }: Placed) => workload === leaving.workload;
  if (rest.arriving.some(same)) return {};
  const stays = rest.staying.filter(same).slice(0, mostStays);
  return { stays: stays.map(({ app, cluster }) => ({ app, cluster })) };
}

function placementOf({ application, app, cluster }: Placed, input: ImpactInput): Placement {
  const { policy, soakMs } = input.policyOf(application);
  return { app, cluster, set: input.set, policy, soakMs, cascade: cascades(application) };
}
