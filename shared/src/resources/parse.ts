/**
 * The one way in for objects that the hub keeps: unknown JSON or YAML text in, typed and checked resources out.
 * Defaults are filled, nulls in typed places dropped, and nothing else is changed: a field that Argo CD does not know
 * is an error or a warning, never lost. Never judges what a resource refers to; that is the domain's own work.
 */
import type { z } from 'zod';
import { FleetError } from '../errors/fleet-error.ts';
import { parseApiVersion } from '../kube/object.ts';
import { parseYamlStream } from '../kube/yaml.ts';
import { type AppProject, appProject, warnOfIgnoreRules, warnOfTimeZones } from './app-project.ts';
import { type Application, application } from './application.ts';
import { type ApplicationSet, applicationSet } from './application-set.ts';
import { checkAgainst } from './check.ts';
import { decisionLabel, isDecisionResource } from './decision.ts';
import { fillDefaults } from './defaults.ts';
import { type FailoverHook, failoverHook } from './failover-hook.ts';
import { type FailoverRule, failoverRule } from './failover-rule.ts';
import { type FleetRollout, fleetRollout } from './fleet-rollout.ts';
import { keepSecret, warnOfConfigMap } from './kept-settings.ts';
import { type ConfigMap, configMap, type Secret, secret } from './settings.ts';
import { isUnbuiltKind, type UnbuiltResource, warnOfUnbuiltFields } from './unbuilt.ts';

/** What the hub keeps; `kind` tells them apart. */
export type Resource =
  | Application
  | ApplicationSet
  | AppProject
  | FailoverHook
  | FailoverRule
  | FleetRollout
  | ConfigMap
  | Secret
  | UnbuiltResource;

export interface ParseOptions {
  /** `refuse` for what a person sends (kubectl's strict validation); `warn` for what comes from Git. */
  unknownFields: 'refuse' | 'warn';
}

export interface Parsed {
  resource: Resource;
  /** Sentences that begin with `<Kind> <namespace>/<name>: `. */
  warnings: string[];
}

type Unchecked = Record<string, unknown>;

const schemas: Record<string, z.ZodType> = {
  'argoproj.io/Application': application,
  'argoproj.io/ApplicationSet': applicationSet,
  'argoproj.io/AppProject': appProject,
  'wheelhouse.dev/FailoverHook': failoverHook,
  'wheelhouse.dev/FailoverRule': failoverRule,
  'wheelhouse.dev/FleetRollout': fleetRollout,
  '/ConfigMap': configMap,
  '/Secret': secret,
};

/**
 * Checks one object. Throws Malformed (not an object, no kind), UnknownField (mode `refuse`) or Invalid; each message
 * names the object and the path.
 */
export function parseResource(object: unknown, options: ParseOptions): Parsed {
  const given = asObject(object);
  const { group } = parseApiVersion(given.apiVersion);
  const schema = schemas[`${group}/${given.kind}`];
  if (schema) return parseKnown(schema, given, options);
  if (isUnbuiltKind(group, given.kind)) return parseUnbuilt(given);
  if (isDecisionResource(given)) return parseDecision(given);
  throw new FleetError(
    'Invalid',
    `${nameOf(given)}: the hub keeps Argo CD's kinds, FailoverHook, FailoverRule and FleetRollout only; put it into a repository that an Application names`,
  );
}

/** Reads YAML or JSON text with any number of documents; a `List` counts as its items, empty documents as none. */
export function parseResources(text: string, options: ParseOptions): Parsed[] {
  const duplicateKeys = options.unknownFields === 'refuse' ? 'refuse' : 'last';
  return parseYamlStream(text, { duplicateKeys })
    .filter((document) => document !== null)
    .flatMap(itemsOf)
    .map((document) => parseResource(document, options));
}

function itemsOf(document: unknown): unknown[] {
  const { kind, items } = (document ?? {}) as Unchecked;
  return kind === 'List' && Array.isArray(items) ? items : [document];
}

function asObject(object: unknown): Unchecked & { apiVersion: string; kind: string } {
  if (typeof object !== 'object' || object === null || Array.isArray(object))
    throw new FleetError('Malformed', 'a document is not an object with apiVersion, kind and metadata');
  const given = object as Unchecked;
  for (const field of ['apiVersion', 'kind'])
    if (typeof given[field] !== 'string' || given[field] === '')
      throw new FleetError('Malformed', `${nameOf(given)}: ${field}: required`);
  return given as Unchecked & { apiVersion: string; kind: string };
}

function parseKnown(schema: z.ZodType, given: Unchecked, options: ParseOptions): Parsed {
  const { status, ...rest } = given;
  const { value, unknownFields, problems } = checkAgainst(schema, withDefaults(rest));
  const name = nameOf(value as Unchecked);
  const fields = unknownFields.map((field) => `${name}: ${field}`);
  if (problems.length > 0)
    throw new FleetError('Invalid', `${name}: ${[...problems, ...unknownFields].join('; ')}`, {
      details: { problems, unknownFields },
    });
  if (fields.length > 0 && options.unknownFields === 'refuse')
    throw new FleetError('UnknownField', `${name}: ${unknownFields.join('; ')}`, { details: { unknownFields } });
  const resource = (status === undefined ? value : { ...(value as Unchecked), status }) as Exclude<
    Resource,
    UnbuiltResource
  >;
  return keepSettings(resource, fields);
}

function keepSettings(resource: Exclude<Resource, UnbuiltResource>, warnings: string[]): Parsed {
  const name = nameOf(resource);
  if (resource.kind === 'ConfigMap')
    return { resource, warnings: [...warnings, ...warnOfConfigMap(resource).map((text) => `${name}: ${text}`)] };
  if (resource.kind !== 'Secret') {
    const texts = [...warnOfUnbuiltFields(resource), ...warnOfTimeZones(resource), ...warnOfIgnoreRules(resource)];
    return { resource, warnings: [...warnings, ...texts.map((text) => `${name}: ${text}`)] };
  }
  const kept = keepSecret(resource);
  return { resource: kept.secret, warnings: [...warnings, ...kept.warnings.map((text) => `${name}: ${text}`)] };
}

function parseUnbuilt(given: Unchecked): Parsed {
  const resource = withDefaults(structuredClone(given)) as UnbuiltResource;
  const name = nameOf(resource);
  if (!resource.metadata?.name) throw new FleetError('Invalid', `${name}: metadata.name: required`);
  return {
    resource,
    warnings: [`${name}: accepted and kept, but ${resource.kind} is not built yet: nothing acts upon it`],
  };
}

/** An object of anybody's kind: its name and its status are all that matter. */
function parseDecision(given: Unchecked): Parsed {
  // of no kind that is known; its label tells it apart
  const resource = withDefaults(structuredClone(given)) as UnbuiltResource & { status?: unknown };
  const name = nameOf(resource);
  if (!resource.metadata.name) throw new FleetError('Invalid', `${name}: metadata.name: required`);
  const { status } = resource;
  const isStatus = typeof status === 'object' && status !== null && !Array.isArray(status);
  if (!isStatus)
    throw new FleetError('Invalid', `${name}: status: required of an object with the label ${decisionLabel}`);
  return { resource, warnings: [] };
}

function withDefaults(given: Unchecked): Unchecked {
  const filled = structuredClone(given);
  fillDefaults(filled);
  return filled;
}

function nameOf({ kind, metadata }: { kind?: unknown; metadata?: unknown }): string {
  const { namespace, name } = (metadata ?? {}) as { namespace?: unknown; name?: unknown };
  const id = [namespace, name].filter((part) => typeof part === 'string' && part !== '').join('/');
  return [typeof kind === 'string' ? kind : 'object', id || '(no name)'].join(' ');
}
