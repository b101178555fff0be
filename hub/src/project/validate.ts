import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { compileGlob } from '@wheelhouse/shared/glob/gobwas';
import { canonicalJson } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { AppProject, AppProjectSpec, SyncWindow } from '@wheelhouse/shared/resources/app-project';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import { whyBudgetInvalid } from '../generate/deletion-budget.ts';
import { whyRawSecretsInvalid } from '../render/raw-secrets.ts';
import { whyGroupInvalid, whyPolicyInvalid } from './policy.ts';
import { whyWindowInvalid } from './window.ts';

type Spec = AppProjectSpec;

/** Argo CD: what is wrong with a project beyond its fields' types, one sentence each; empty when it is valid. */
export function projectProblems({ metadata, spec }: Pick<AppProject, 'metadata' | 'spec'>): string[] {
  return [
    ...destinationProblems(spec.destinations ?? []),
    ...repeated('sourceNamespaces', spec.sourceNamespaces ?? []),
    ...repeated('sourceRepos', spec.sourceRepos ?? []),
    ...(spec.sourceRepos ?? []).filter(deniesAll).map(() => 'sourceRepos: "!*" would deny everything'),
    ...repeated(
      'roles',
      (spec.roles ?? []).map(({ name }) => name),
    ),
    ...(spec.roles ?? []).flatMap((role) => roleProblems(metadata.name, role)),
    ...windowProblems(spec.syncWindows ?? []),
    ...serviceAccountProblems(spec.destinationServiceAccounts ?? []),
  ];
}

/** Throws Invalid with all that is wrong when the object is an AppProject that is not valid. */
export function assertProject(resource: KubeObject): void {
  if (resource.kind !== 'AppProject') return;
  const { metadata } = resource;
  const project = resource as AppProject;
  const problems = [
    ...projectProblems(project).map((problem) => `spec.${problem}`),
    ...[whyBudgetInvalid(project), whyRawSecretsInvalid(project)].filter((one) => one !== undefined),
  ];
  if (problems.length > 0)
    throw new FleetError(
      'Invalid',
      `AppProject ${metadata.namespace ?? controlNamespace}/${metadata.name}: ${problems.join('; ')}`,
    );
}

function deniesAll(pattern: string | undefined): boolean {
  return pattern === '!*';
}

function repeated(field: string, values: readonly string[]): string[] {
  const twice = new Set(values.filter((value, index) => values.indexOf(value) !== index));
  return [...twice].map((value) => `${field}: "${value}" stands there twice`);
}

function destinationProblems(destinations: NonNullable<Spec['destinations']>): string[] {
  const denying = destinations.filter(({ name, server, namespace }) => [name, server, namespace].some(deniesAll));
  const keys = destinations.map(({ name = '', server = '', namespace = '' }) => `${server || name}/${namespace}`);
  return [...denying.map(() => 'destinations: "!*" would deny everything'), ...repeated('destinations', keys)];
}

const roleName = /^[a-zA-Z0-9]([-_a-zA-Z0-9]*[a-zA-Z0-9])?$/;

function roleProblems(project: string, role: NonNullable<Spec['roles']>[number]): string[] {
  const { name, policies = [], groups = [] } = role;
  const field = `roles[${name}]`;
  const names = roleName.test(name) ? [] : [`${field}: the name may hold letters, digits, - and _ only`];
  return [
    ...names,
    ...repeated(`${field}.policies`, policies),
    ...repeated(`${field}.groups`, groups),
    ...policies.flatMap((policy) => sentence(`${field}: policy "${policy}"`, whyPolicyInvalid(project, name, policy))),
    ...groups.flatMap((group) => sentence(`${field}: group "${group}"`, whyGroupInvalid(group))),
  ];
}

function sentence(subject: string, reason: string | undefined): string[] {
  return reason === undefined ? [] : [`${subject}: ${reason}`];
}

function windowProblems(windows: readonly SyncWindow[]): string[] {
  const identities = windows.map(({ manualSync: _, description: __, syncOverrun: ___, ...identity }) =>
    canonicalJson(identity),
  );
  return [
    ...repeated('syncWindows', identities),
    ...windows.flatMap((window, index) => sentence(`syncWindows[${index}]`, whyWindowInvalid(window))),
  ];
}

function serviceAccountProblems(accounts: NonNullable<Spec['destinationServiceAccounts']>): string[] {
  const keys = accounts.map(({ server, namespace = '' }) => `${server}/${namespace}`);
  return [
    ...repeated('destinationServiceAccounts', keys),
    ...accounts.flatMap(({ server, namespace = '', defaultServiceAccount }) => [
      ...sentence(`destinationServiceAccounts: server "${server}"`, whyPatternInvalid(server)),
      ...sentence(`destinationServiceAccounts: namespace "${namespace}"`, whyPatternInvalid(namespace)),
      ...sentence('destinationServiceAccounts', whyAccountInvalid(defaultServiceAccount)),
    ]),
  ];
}

function whyPatternInvalid(pattern: string): string | undefined {
  if (pattern.includes('!')) return 'must not deny';
  return compileGlob(pattern) === undefined ? 'is no pattern' : undefined;
}

function whyAccountInvalid(account: string): string | undefined {
  return account.trim() === '' || /[!*[\]{}\\/]/.test(account) ? `"${account}" is no service account` : undefined;
}
