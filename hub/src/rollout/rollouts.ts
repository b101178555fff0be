import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import type { FleetRollout } from '@wheelhouse/shared/resources/fleet-rollout';
import type { IndexedApplication } from '../assign/applications.ts';
import { compileSelector, type Matches } from '../generate/generators/label-selector.ts';
import { nameOf, namespaceOf, type SpecStore, type StoredSpec } from '../store/specs.ts';
import { isRollingSync, type Plan, planOfRollout, planOfSet, whyStepInvalid } from './plan.ts';
import { type RolloutStore, rolloutKey } from './rollout-store.ts';

/** A FleetRollout, or an ApplicationSet with `strategy: RollingSync`, as what it asks for. */
export interface RolloutObject {
  key: string;
  kind: Plan['kind'];
  namespace: string;
  name: string;
  plan: Plan;
  /** `namespace/name` of the set whose Applications it takes; absent when it takes them by label. */
  applicationSet?: string;
  pause?: { reason: string; until?: string };
  /** Why it cannot be acted upon, whatever the fleet is like. */
  invalid?: string;
  selects(app: IndexedApplication): boolean;
}

/** Which rollout says what an Application may run. */
export interface Rollouts {
  list(): RolloutObject[];
  find(key: string): RolloutObject | undefined;
  /**
   * Key of the rollout that an Application is under: the one that has it already, else the first by name; a set's own
   * RollingSync comes before a FleetRollout. A rollout that was deleted keeps what it has until it lets go.
   */
  governorOf(app: IndexedApplication): string | undefined;
}

export interface RolloutsDeps {
  specs: Pick<SpecStore, 'list' | 'find' | 'onChange'>;
  store: Pick<RolloutStore, 'ownerOf'>;
}

export function createRollouts({ specs, store }: RolloutsDeps): Rollouts {
  let known: Map<string, RolloutObject> | undefined;
  specs.onChange(({ kind }) => {
    if (kind === 'FleetRollout' || kind === 'ApplicationSet') known = undefined;
  });
  const objects = () => (known ??= new Map(readObjects(specs).map((object) => [object.key, object])));
  return {
    list: () => [...objects().values()],
    find: (key) => objects().get(key),
    governorOf: (app) => {
      const owner = store.ownerOf(app.id);
      if (owner !== undefined && (objects().get(owner)?.selects(app) ?? true)) return owner;
      for (const object of objects().values()) if (object.selects(app)) return object.key;
      return undefined;
    },
  };
}

function readObjects(specs: Pick<SpecStore, 'list' | 'find'>): RolloutObject[] {
  const sets = specs.list('ApplicationSet').flatMap(objectOfSet);
  const rollouts = specs.list('FleetRollout').map((spec) => objectOfRollout(spec, specs));
  const byKey = (a: RolloutObject, b: RolloutObject) => (a.key < b.key ? -1 : 1);
  return [...sets.sort(byKey), ...rollouts.sort(byKey)];
}

function objectOfSet({ resource, deleting }: StoredSpec): RolloutObject[] {
  const set = resource as ApplicationSet;
  const plan = isRollingSync(set.spec) ? planOfSet(set) : undefined;
  if (!plan) return [];
  const { namespace, name, id } = namesOf(resource);
  const key = rolloutKey('RollingSync', namespace, name);
  const invalid = whyStepsInvalid(set);
  const object = { key, namespace, name, plan, applicationSet: id, selects: ofSet(id) };
  // Argo CD: nothing is synced any more
  const pause = deleting ? { pause: { reason: 'the ApplicationSet is being deleted' } } : {};
  return [{ ...object, kind: 'RollingSync', ...pause, ...(invalid === undefined ? {} : { invalid }) }];
}

/** Argo CD: In and NotIn are all that a step's expressions may use. */
function whyStepsInvalid({ spec }: ApplicationSet): string | undefined {
  const steps = spec.strategy?.rollingSync?.steps ?? [];
  if (steps.length === 0) return 'spec.strategy.rollingSync has no steps: nothing is ever synced';
  const reasons = steps.map((step, index) => whyStepInvalid(step, `spec.strategy.rollingSync.steps[${index}]`));
  return reasons.find((reason) => reason !== undefined);
}

function objectOfRollout({ resource }: StoredSpec, specs: Pick<SpecStore, 'find'>): RolloutObject {
  const rollout = resource as FleetRollout;
  const { namespace, name } = namesOf(resource);
  const { applicationSet, selector, pause } = rollout.spec;
  const set = applicationSet === undefined ? undefined : `${namespace}/${applicationSet}`;
  const matches = set === undefined ? compileSelector(selector, { anyValue: true }) : undefined;
  return {
    key: rolloutKey('FleetRollout', namespace, name),
    kind: 'FleetRollout',
    namespace,
    name,
    plan: planOfRollout(rollout),
    ...(set !== undefined && !specs.find('ApplicationSet', namespace, applicationSet ?? '')
      ? { invalid: `there is no ApplicationSet ${set}` }
      : {}),
    ...(set === undefined ? {} : { applicationSet: set }),
    ...(pause ? { pause } : {}),
    selects: matches ? ofLabels(namespace, matches) : ofSet(set ?? ''),
  };
}

function namesOf(resource: StoredSpec['resource']) {
  const [namespace, name] = [namespaceOf(resource), nameOf(resource)];
  return { namespace, name, id: `${namespace}/${name}` };
}

function ofSet(set: string): RolloutObject['selects'] {
  return ({ origin }) => origin.type === 'generated' && origin.applicationSet === set;
}

function ofLabels(namespace: string, matches: Matches): RolloutObject['selects'] {
  return ({ application }) => namespaceOf(application) === namespace && matches(application.metadata.labels ?? {});
}

/** As people write it: the name, with its namespace unless that is the usual one. */
export function formatRolloutName(key: string): string {
  const [, namespace = '', ...name] = key.split('.');
  const text = name.join('.').replaceAll('=3A', ':');
  return namespace === controlNamespace ? text : `${namespace}/${text}`;
}
