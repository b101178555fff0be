import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { Application } from '@wheelhouse/shared/resources/application';
import { Registry } from 'prom-client';
import { createAdminAccess, hashToken } from '../../access/access.ts';
import { isDeletedInOrder } from '../../generate/deletion-order.ts';
import type { Preview, PreviewRequest } from '../../preview/preview.ts';
import { matchesFilter } from '../../status/application-filter.ts';
import type {
  Actions,
  ApiDeps,
  ApplicationChange,
  ApplicationView,
  ClusterInventory,
  FleetCluster,
  ReadinessCheck,
  ReadModel,
  ResourceDiff,
  SpecStore,
  StoredSpec,
} from '../deps.ts';
import { createFakeAdoption } from './fake-adoption.ts';

import { createFakePlans } from './fake-plans.ts';

export const adminToken = 'test-admin-token';
export const authorization = `Bearer ${adminToken}`;

/** An answer's status, reason and message in one line, to match against. */
export function refusalOf(reply: { statusCode: number; json(): unknown }): string {
  const { reason, message } = reply.json() as { reason?: string; message?: string };
  return `${reply.statusCode} ${reason}: ${message}`;
}

function emptyPreview({ repoURL, revision }: PreviewRequest): Preview {
  const counts = { looked: 0, added: 0, changed: 0, removed: 0 };
  return { repoURL, revision, sha: 'a1', baseSha: 'b2', counts, groups: [], pruned: [], held: [], problems: [] };
}

/** The API's ports in memory, with what a test looks into: every call is recorded as text. */
export interface FakeDeps extends ApiDeps {
  specs: ReturnType<typeof createFakeSpecs>;
  applications: ReturnType<typeof createFakeReadModel>;
  clusters: ClusterInventory & { all: Map<string, FleetCluster> };
  plans: ReturnType<typeof createFakePlans>;
  calls: string[];
  diffs: ResourceDiff[];
  checks: ReadinessCheck[];
  logLines: string[];
}

export function createFakeDeps(): FakeDeps {
  const calls: string[] = [];
  const diffs: ResourceDiff[] = [];
  const checks: ReadinessCheck[] = [{ name: 'nats' }, { name: 'redis' }];
  const logLines: string[] = [];
  const applications = createFakeReadModel();
  const specs = createFakeSpecs();
  const clusters = createFakeClusters();
  return {
    access: createAdminAccess({ tokenHash: hashToken(adminToken) }),
    logger: createLogger({ name: 'test', destination: { write: (line) => void logLines.push(line) } }),
    metrics: new Registry(),
    specs,
    applications,
    preview: async (request) => emptyPreview(request),
    describeSource: async ({ namespace, name }, { source, index }) => {
      calls.push(`describe source ${index} of ${namespace}/${name}: ${source.repoURL}`);
      return { type: 'Plugin', parameters: [{ name: 'tag', required: true, string: 'latest' }] };
    },
    actions: createFakeActions({ calls, diffs, specs }),
    identities: createFakeIdentities(calls),
    clusters,
    plans: createPlans(clusters.all, calls),
    adoption: createFakeAdoption(calls),
    tokens: {
      list: async () => [],
      create: async ({ cluster, labels, by, replace, ...rest }) => {
        if (replace) calls.push(`token that replaces ${cluster} by ${by}`);
        return { ...tokenTimes, id: 'token-1', cluster, labels, by, ...rest, token: 'wh1.secret' };
      },
      revoke: async (id, by) => void calls.push(`revoke ${id} by ${by}`),
    },
    enrolment: {
      enrol: async () => {
        throw new FleetError('TokenInvalid', 'the enrolment token was used already; make a new one');
      },
      renew: async ({ cluster }) => ({
        cluster,
        jwt: 'jwt',
        expiresAt: tokenTimes.expiresAt,
        natsUrls: ['nats://x'],
        ca: '',
        documentKeys: {},
      }),
      caPem: () => '-----BEGIN CERTIFICATE-----\n',
    },
    rollouts: createFakeRollouts(calls),
    applicationSetStatus: () => ({ conditions: [{ type: 'ParametersGenerated', status: 'True' }] }),
    repositoryState: () => undefined,
    writeState: () => undefined,
    webhook: async (headers, body) =>
      void calls.push(`webhook ${String(headers['x-github-event'])} ${body.toString('hex')}`),
    readiness: async () => checks,
    version: { version: '0.1.0' },
    calls,
    diffs,
    checks,
    logLines,
  };
}

function createFakeIdentities(calls: string[]): ApiDeps['identities'] {
  return {
    approve: async (name, by) => void calls.push(`approve ${name} by ${by}`),
    revoke: async (name, { by, reason }) => void calls.push(`revoke ${name} by ${by}: ${reason}`),
    requestKey: async (name, by) => void calls.push(`new key of ${name} by ${by}`),
    rename: async (from, to, { by, force }) => void calls.push(`rename ${from} ${to} force=${force} by ${by}`),
    remove: async (name, { by, ...options }) => void calls.push(`remove ${name} ${JSON.stringify(options)} by ${by}`),
  };
}

function createFakeRollouts(calls: string[]): ApiDeps['rollouts'] {
  const shop = {
    kind: 'FleetRollout',
    namespace: 'argocd',
    name: 'shop',
    phase: 'Progressing',
    message: 'step canary (1 of 2): 0 of 1 healthy',
    members: {},
    steps: [],
    warnings: [],
    clusters: [],
    events: [],
  } satisfies ReturnType<ApiDeps['rollouts']['find']>;
  const record = async (what: string, key: string, options: object) =>
    void calls.push(`${what} ${key} ${JSON.stringify(options)}`);
  return {
    list: () => [shop],
    find: (key) => (key === 'rollout.argocd.shop' ? shop : undefined),
    pause: async (key, { until, reason }, by) =>
      await record('pause', key, { reason, by: by.name, ends: until !== undefined }),
    resume: async (key, by) => await record('resume', key, { by: by.name }),
    abort: async (key, options, by) => await record('abort', key, { ...options, by: by.name }),
    undo: async (key, options, by) => await record('undo', key, { ...options, by: by.name }),
    approve: async (key, options, by) => await record('approve', key, { ...options, by: by.name, roles: by.roles }),
  };
}

const tokenTimes = { createdAt: '2026-01-01T00:00:00Z', expiresAt: '2026-01-01T01:00:00Z' };

export function createFakeSpecs(): SpecStore & { all: Map<string, StoredSpec> } {
  const all = new Map<string, StoredSpec>();
  const keyOf = (kind: string, namespace: string, name: string) => `${kind}/${namespace}/${name}`;
  return {
    all,
    list: (kind) => [...all.values()].filter((spec) => kind === undefined || spec.resource.kind === kind),
    find: (kind, namespace, name) => all.get(keyOf(kind, namespace, name)),
    put: async (resource, { by, yaml = '', owner, expectedRevision, warnings = [] }) => {
      const key = keyOf(resource.kind, resource.metadata.namespace ?? '', resource.metadata.name ?? '');
      const revision = all.get(key)?.revision ?? 0;
      if (expectedRevision !== undefined && expectedRevision !== revision)
        throw new FleetError('Conflict', `${key} was changed by somebody else; read it again`);
      const spec = {
        resource,
        yaml,
        by,
        warnings,
        revision: revision + 1,
        updatedAt: tokenTimes.createdAt,
        ...(owner === undefined ? {} : { owner }),
      };
      all.set(key, spec);
      return spec;
    },
    delete: async (...[kind, namespace, name, { by, allAtOnce }]) => {
      const key = keyOf(kind, namespace, name);
      const spec = all.get(key);
      if (!spec || allAtOnce || !isDeletedInOrder(spec.resource)) all.delete(key);
      else all.set(key, { ...spec, deleting: { by, reason: `deleted by ${by}`, at: tokenTimes.createdAt } });
    },
  };
}

export function createFakeReadModel() {
  const views = new Map<string, ApplicationView>();
  const listeners = new Set<(change: ApplicationChange) => void>();
  let order: string[] | undefined;
  let revision = 0;
  const keyOf = ({ application: { metadata } }: ApplicationView) => `${metadata.namespace}/${metadata.name}`;
  const model: ReadModel = {
    list: (filter, { limit, continue: start = '' }) => {
      order ??= [...views.keys()].sort();
      const matching = (keys: string[]) =>
        keys.flatMap((key) => views.get(key) ?? []).filter((view) => matchesFilter(view, filter));
      const rest = matching(order.slice(start === '' ? 0 : order.indexOf(start) + 1));
      const last = rest[limit - 1];
      const more = last && rest.length > limit ? { continue: keyOf(last) } : {};
      return { items: rest.slice(0, limit), total: start === '' ? rest.length : views.size, ...more };
    },
    find: (namespace, name) => views.get(`${namespace}/${name}`),
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    revision: () => String(revision),
  };
  const tell = (change: ApplicationChange) => {
    revision += 1;
    for (const listener of listeners) listener(change);
  };
  return {
    ...model,
    listeners,
    set: (view: ApplicationView) => {
      const type = views.has(keyOf(view)) ? 'MODIFIED' : 'ADDED';
      if (type === 'ADDED') order = undefined;
      views.set(keyOf(view), view);
      tell({ type, view });
    },
    remove: (view: ApplicationView) => {
      order = undefined;
      views.delete(keyOf(view));
      tell({ type: 'DELETED', view });
    },
  };
}

function createFakeActions({
  calls,
  diffs,
  specs,
}: {
  calls: string[];
  diffs: ResourceDiff[];
  specs: SpecStore;
}): Actions {
  return {
    windows: () => ({ assigned: [], active: [], whyNotManual: undefined, whyNotAutomated: undefined }),
    sync: async ({ name }, options, by) => {
      calls.push(`sync ${name} by ${by}: ${JSON.stringify(options)}`);
      return { id: 'operation-1' };
    },
    terminate: async ({ name }, by) => void calls.push(`terminate ${name} by ${by}`),
    refresh: async ({ name }, { hard }, by) => void calls.push(`refresh ${name} hard=${hard} by ${by}`),
    diff: async () => diffs,
    deleteApplication: async ({ namespace, name }, { cascade, by }) => {
      calls.push(`delete ${name} cascade=${cascade} by ${by}`);
      await specs.delete('Application', namespace, name, { by });
    },
    releaseHold: async ({ name }, { by, rejected }) =>
      void calls.push(`release ${name}${rejected ? ', rejected,' : ''} by ${by}`),
    rejectHold: async ({ name }, { by, reason }) => void calls.push(`reject ${name} by ${by}: ${reason}`),
  };
}

function createPlans(all: Map<string, FleetCluster>, calls: string[]): FakeDeps['plans'] {
  return createFakePlans({
    calls,
    setLabels: (name, labels, by) => {
      calls.push(`label ${name} ${JSON.stringify(labels)} by ${by}`);
      setLabels(all, name, labels);
    },
    setAnnotations: (name, annotations, by) => {
      calls.push(`annotate ${name} ${JSON.stringify(annotations)} by ${by}`);
      const cluster = all.get(name) as FleetCluster;
      all.set(name, { ...cluster, annotations: withChange(cluster.annotations, annotations) });
    },
  });
}

function setLabels(
  all: Map<string, FleetCluster>,
  name: string,
  labels: Readonly<Record<string, string | null>>,
): void {
  const cluster = all.get(name) as FleetCluster;
  all.set(name, { ...cluster, labels: withChange(cluster.labels, labels) });
}

function createFakeClusters(): ClusterInventory & { all: Map<string, FleetCluster> } {
  const all = new Map<string, FleetCluster>([
    [
      'us-east',
      {
        name: 'us-east',
        server: 'https://us-east.example',
        labels: { region: 'us-east' },
        annotations: {},
        state: 'Connected',
        lastSeenAt: '2026-01-01T00:00:00Z',
        applications: { total: 3, synced: 3, healthy: 2, stale: 0 },
      },
    ],
    ['eu-west', { name: 'eu-west', server: 'https://eu-west.example', labels: {}, annotations: {}, state: 'Expected' }],
  ]);
  return {
    all,
    list: () => [...all.values()],
    find: (name) => all.get(name),
    history: (name) => {
      if (all.get(name)?.state === 'Expected') throw new FleetError('NotFound', `there is no enrolled cluster ${name}`);
      return [
        { at: '2026-01-01T00:00:00Z', by: 'ann', reason: 'drill', labels: { role: [null, 'standby'] } },
        { at: '2026-01-02T00:00:00Z', by: 'bob', labels: { role: ['standby', null] }, annotations: { a: ['x', 'y'] } },
      ];
    },
  };
}

function withChange(
  current: Record<string, string>,
  change: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const entries = Object.entries({ ...current, ...change });
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
}

export interface FakeApplication {
  name: string;
  namespace?: string;
  project?: string;
  cluster?: string;
  labels?: Record<string, string>;
  health?: 'Healthy' | 'Degraded' | 'Progressing';
  sync?: 'Synced' | 'OutOfSync';
  set?: string;
  stale?: boolean;
  ageMs?: number;
}

export function fakeView(options: FakeApplication): ApplicationView {
  const {
    name,
    namespace = 'argocd',
    project = 'default',
    cluster = 'us-east',
    labels,
    health = 'Healthy',
    sync = 'Synced',
  } = options;
  const application: Application = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name,
      namespace,
      ...(labels ? { labels } : {}),
      ...(options.set ? { ownerReferences: [{ kind: 'ApplicationSet', name: options.set }] } : {}),
    },
    spec: {
      project,
      source: { repoURL: 'https://git.example/apps', path: name },
      destination: { name: cluster, namespace: 'shop' },
    },
    status: {
      sync: { status: sync, revision: 'abc123' },
      health: { status: health },
      resources: [
        { group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'shop', name, health: { status: health } },
      ],
    },
  };
  const observedAt = '2026-01-01T00:00:00Z';
  return { application, cluster, observedAt, ageMs: options.ageMs ?? 1_000, stale: options.stale ?? false };
}
