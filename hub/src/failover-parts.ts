/** Failover, composed: what people ask for, and the stage that carries plans on, over the hub's parts. */
import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { parseJson } from '@wheelhouse/shared/kube/json';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { FailoverHook } from '@wheelhouse/shared/resources/failover-hook';
import type { FailoverRule } from '@wheelhouse/shared/resources/failover-rule';
import { findProject } from './assign/applications.ts';
import { createReadNeeds } from './failover/capacity.ts';
import { createFailover, type Failover, type FailoverDeps } from './failover/failover.ts';
import { type FailoverStageDeps, runPlan } from './failover/failover-stage.ts';
import { formatHook, targetOf } from './failover/hooks/planned-hook.ts';
import { type RunHookDeps, runHook } from './failover/hooks/run-hook.ts';
import type { ObserveDeps } from './failover/observe.ts';
import { isUnfinished, type Plan } from './failover/plan-record.ts';
import { type RuleDeps, runRule } from './failover/rule.ts';
import { forgetRecord, isForgettable } from './failover/rule-record.ts';
import type { Fleet } from './fleet/fleet.ts';
import { createGenerateDeps, type PipelineDeps } from './pipeline.ts';
import type { Dispatch } from './queue/dispatch.ts';
import type { Stores } from './store/open-stores.ts';
import { nameOf, namespaceOf } from './store/specs.ts';

export interface FailoverPartsDeps extends PipelineDeps {
  fleet: Fleet;
  /** Whom hooks may call, and over what. */
  hookCallers: Pick<RunHookDeps, 'http' | 'nats'>;
}

export interface FailoverParts {
  failover: Failover;
  run(plan: string, signal: AbortSignal): Promise<void>;
}

export function createFailoverParts(deps: FailoverPartsDeps, dispatch: Dispatch): FailoverParts {
  const asked = createFailover(failoverDeps(deps));
  const stage = stageDeps(deps, dispatch);
  deps.fleet.judgeOwnLabels({
    whyPlanned: async (labels, signal) => await asked.whyPlanned({ labels }, signal),
    changing: asked.changing,
  });
  const ruling = { ...ruleDeps(deps), failover: asked };
  return {
    failover: asked,
    run: async (key, signal) => {
      if (!key.startsWith(rulePrefix)) return await runPlan(key, stage, signal);
      const rule = findRule(key, deps);
      await (rule ? runRule(rule, ruling, signal) : forgetRecord(key.slice(rulePrefix.length), ruling));
    },
  };
}

/** Plans that are to be looked at again and again. */
export function duePlans({ records, specs }: Pick<Stores, 'records' | 'specs'>, now: () => Date) {
  return {
    due: () => [
      ...records.plans
        .list()
        .filter((plan) => isUnfinished(plan) || plan.phase === 'Planned')
        .map(({ id }) => id),
      ...specs.list('FailoverRule').map(({ resource }) => ruleKey(resource)),
      ...rulesGone({ records, specs }, now()),
    ],
    onChange: records.onPlanChange,
  };
}

/** Keys of rules that were deleted and have left a record. */
function rulesGone({ records, specs }: Pick<Stores, 'records' | 'specs'>, now: Date): string[] {
  const present = new Set(specs.list('FailoverRule').map(({ resource }) => ruleKey(resource)));
  return records.rules.names().flatMap((name) => {
    const record = records.rules.find(name);
    const key = `${rulePrefix}${name}`;
    return record && !present.has(key) && isForgettable(record, now) ? [key] : [];
  });
}

const rulePrefix = 'rule.';

function ruleKey(resource: KubeObject): string {
  return `${rulePrefix}${namespaceOf(resource)}.${nameOf(resource)}`;
}

function findRule(key: string, { stores }: FailoverPartsDeps): FailoverRule | undefined {
  const found = stores.specs.list('FailoverRule').find(({ resource }) => ruleKey(resource) === key);
  return found?.resource as FailoverRule | undefined;
}

function ruleDeps({ logger, stores, fleet, metrics, now }: FailoverPartsDeps): Omit<RuleDeps, 'failover'> {
  return {
    logger,
    rules: stores.records.rules,
    enrolled: fleet.clusters.enrolled,
    findCluster: fleet.clusters.find,
    contactOf: (cluster) => stores.records.contacts.find(cluster)?.state,
    audit: fleet.audit,
    observe: metrics.failedOver,
    now,
  };
}

function observing(deps: FailoverPartsDeps) {
  const { applications, statuses, stores, fleet } = deps;
  // what its cluster is given, which a rollout may hold back
  const resolve: ObserveDeps['resolve'] = (app) => deps.gate.pass(app, deps.resolve(app));
  const findCluster = fleet.clusters.find;
  return { applications, statuses, additions: stores.additions, resolve, findCluster, now: deps.now };
}

function failoverDeps(deps: FailoverPartsDeps): FailoverDeps {
  const { stores, fleet, applications } = deps;
  const { snapshot, ownerOf, clusterOf, project, outside, newGitFileGlobbing } = createGenerateDeps(deps);
  const { plans, claims } = stores.records;
  return {
    ...observing(deps),
    plans,
    claims,
    specs: stores.specs,
    derived: stores.derived,
    clusters: () => fleet.clusters.enrolled(),
    snapshot,
    ownerOf,
    outside,
    newGitFileGlobbing,
    clusterOf,
    project,
    projectOf: (application: Application) => findProject(stores.specs, application),
    plainOn: (cluster) =>
      applications
        .byCluster(cluster)
        .filter(({ origin }) => origin.type === 'spec')
        .map(({ id }) => id),
    bundleOf: (app) => {
      const request = applications.find(app)?.request;
      return request && stores.derived.render(request.key)?.record?.digest;
    },
    needs: createReadNeeds(async (digest) => await readBundle(digest, deps)),
    hooks: () => stores.specs.list('FailoverHook').map(({ resource }) => resource as FailoverHook),
    setLabels: fleet.clusters.setLabels,
    setAnnotations: fleet.clusters.setAnnotations,
    setAppLabels: fleet.clusters.setAppLabels,
    audit: fleet.audit,
  };
}

/** Undefined for a bundle that is not stored any more. */
async function readBundle(digest: string, { stores }: FailoverPartsDeps): Promise<KubeObject[] | undefined> {
  try {
    return parseJson(Buffer.from(await stores.blobs.get(digest)).toString()) as KubeObject[];
  } catch (error) {
    if (isFleetError(error, 'NotFound')) return undefined;
    throw error;
  }
}

function stageDeps(deps: FailoverPartsDeps, dispatch: Dispatch): FailoverStageDeps {
  const { stores, fleet, applications, metrics, logger } = deps;
  return {
    ...observing(deps),
    logger,
    plans: stores.records.plans,
    setLabels: fleet.clusters.setLabels,
    setAnnotations: fleet.clusters.setAnnotations,
    setAppLabels: fleet.clusters.setAppLabels,
    putWithdrawals: stores.additions.putWithdrawals,
    deleteWithdrawal: stores.additions.deleteWithdrawal,
    generate: async (sets) => {
      for (const set of sets) await dispatch.generate(...splitSet(set));
    },
    generation: (cluster) =>
      Math.max(stores.documents.head(cluster)?.gen ?? 0, fleet.clusters.find(cluster)?.appliedGeneration ?? 0),
    ...hooking(deps),
    applicationOf: (app) => applications.find(app)?.application,
    onTransition: (plan: Plan) => {
      const { id, phase, direction, paused } = plan;
      const { message = phase, by } = plan.history.at(-1) ?? {};
      const isLate = by === 'deadline';
      metrics.planned({ phase: paused ? 'Paused' : phase, direction });
      logger[paused || isLate ? 'error' : 'info']({ plan: id, phase, direction, reason: message }, 'plan goes on');
      fleet.audit({
        by: `plan of ${plan.owner}`,
        action: 'carry on plan',
        object: id,
        details: { phase, direction, message },
      });
    },
  };
}

function hooking(deps: FailoverPartsDeps): Pick<FailoverStageDeps, 'runHook' | 'onHook' | 'onPlanChange'> {
  const { stores, fleet, applications, statuses, metrics, hookCallers, now } = deps;
  const calling = { ...hookCallers, specs: stores.specs, additions: stores.additions, applications, statuses, now };
  return {
    onPlanChange: stores.records.onPlanChange,
    runHook: async (plan, hook, signal) => await runHook(plan, hook, { deps: calling, signal }),
    onHook: (plan, hook, outcome) => {
      metrics.hookCalled({ type: hook.call.type, outcome: outcome.state });
      const { attempt, call } = hook;
      const details = { hook: formatHook(hook), type: call.type, target: targetOf(call), attempt, ...outcome };
      fleet.audit({ by: `plan of ${plan.owner}`, action: 'call failover hook', object: plan.id, details });
    },
  };
}

function splitSet(set: string): [namespace: string, name: string] {
  const [namespace = '', name = ''] = set.split('/');
  return [namespace, name];
}
