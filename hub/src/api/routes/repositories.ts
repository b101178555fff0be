import { createHash } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import {
  type Secret,
  type SecretType,
  secretEntries,
  secretTypeLabel,
  secretTypeOf,
} from '@wheelhouse/shared/resources/settings';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps, ConnectionState } from '../deps.ts';
import { formatList, listOf, noQuery, queryBoolean } from '../schema.ts';
import { isUnchanged, readResource, writeSpec } from '../stored-resource.ts';

/** Argo CD keeps logins for writing apart from those for reading: each has Secrets and routes of its own. */
interface Logins {
  kind: 'repositories' | 'write-repositories';
  type: SecretType;
  /** Begins the names of Secrets that are made here. */
  prefix: string;
  stateOf(deps: ApiDeps, url: string): ConnectionState | undefined;
}

const kinds: readonly Logins[] = [
  { kind: 'repositories', type: 'repository', prefix: 'repo', stateOf: (deps, url) => deps.repositoryState(url) },
  {
    kind: 'write-repositories',
    type: 'repository-write',
    prefix: 'repo-write',
    stateOf: (deps, url) => deps.writeState(url),
  },
];

const tags = ['repositories'];

const repository = z
  .object({
    repo: z.string(),
    name: z.string(),
    type: z.string(),
    project: z.string(),
    connectionState: z.object({ status: z.string(), message: z.string(), attemptedAt: z.string().exactOptional() }),
    secret: z.string().describe('Name of the Secret that holds it; its credentials are never answered'),
  })
  .meta({ id: 'Repository' });

/** Argo CD: fields of a repository, under the names that its Secret has. */
const repositoryBody = z.strictObject({
  repo: z.string().min(1),
  name: z.string().optional(),
  type: z.enum(['git', 'helm', 'oci']).optional(),
  project: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  bearerToken: z.string().optional(),
  sshPrivateKey: z.string().optional(),
  tlsClientCertData: z.string().optional(),
  tlsClientCertKey: z.string().optional(),
  insecure: z.boolean().optional(),
  enableLfs: z.boolean().optional(),
  proxy: z.string().optional(),
  noProxy: z.string().optional(),
  forceHttpBasicAuth: z.boolean().optional(),
});

/** Repositories are Secrets of the types that Argo CD has for them: what is added here can be exported there. */
export function repositoryRoutes(app: ApiServer, deps: ApiDeps): void {
  for (const logins of kinds) {
    readRoutes(app, deps, logins);
    createRoute(app, deps, logins);
    deleteRoute(app, deps, logins);
  }
}

function pathOf({ kind }: Logins): string {
  return `/api/v1/${kind}`;
}

function readRoutes(app: ApiServer, deps: ApiDeps, logins: Logins): void {
  const { kind } = logins;
  const path = pathOf(logins);
  const querystring = z.strictObject({
    repo: z.string().optional(),
    forceRefresh: queryBoolean.optional(),
    appProject: z.string().optional(),
  });
  app.get(path, { schema: { tags, querystring, response: { 200: listOf(repository) } } }, async (request) => {
    permit(request, 'get', { kind, name: '*' });
    const { repo, appProject } = request.query;
    const all = repositorySecrets(deps, logins).map((secret) => formatRepository(deps, logins, secret));
    return formatList(
      all.filter((each) => (!repo || each.repo === repo) && (!appProject || each.project === appProject)),
    );
  });

  const params = z.strictObject({ repo: z.string().describe('URL, encoded') });
  app.get(
    `${path}/:repo`,
    { schema: { tags, params, querystring: noQuery, response: { 200: repository } } },
    async (request) => {
      permit(request, 'get', { kind, name: request.params.repo });
      return formatRepository(deps, logins, getSecret(deps, logins, request.params.repo));
    },
  );
}

function createRoute(app: ApiServer, deps: ApiDeps, logins: Logins): void {
  const { kind } = logins;
  const path = pathOf(logins);
  const querystring = z.strictObject({ upsert: queryBoolean.optional() });
  app.post(
    path,
    { schema: { tags, querystring, body: repositoryBody, response: { 200: repository } } },
    async (request) => {
      const { repo } = request.body;
      const { upsert = false } = request.query;
      const by = permit(request, upsert ? 'update' : 'create', { kind, name: repo });
      const present = findSecret(deps, logins, repo);
      const read = readResource(toSecret(request.body, logins, present?.metadata.name));
      const existing = deps.specs.find('Secret', read.namespace, read.name);
      if (existing && !upsert && !isUnchanged(existing, read.resource))
        throw new FleetError('Invalid', `repository ${repo} exists and differs; send upsert=true to replace it`);
      const stored = await writeSpec(deps, read, { by, ...(existing ? { existing } : { expectedRevision: 0 }) });
      return formatRepository(deps, logins, stored.resource as Secret);
    },
  );
}

function deleteRoute(app: ApiServer, deps: ApiDeps, logins: Logins): void {
  const { kind } = logins;
  const path = pathOf(logins);
  const params = z.strictObject({ repo: z.string().describe('URL, encoded') });
  app.delete(
    `${path}/:repo`,
    { schema: { tags, params, querystring: noQuery, response: { 200: z.object({}) } } },
    async (request) => {
      const { repo } = request.params;
      const by = permit(request, 'delete', { kind, name: repo });
      const { namespace, name } = getSecret(deps, logins, repo).metadata;
      await deps.specs.delete('Secret', namespace, name, { by });
      return {};
    },
  );
}

function repositorySecrets(deps: ApiDeps, { type }: Logins): Secret[] {
  return deps.specs
    .list('Secret')
    .map((spec) => spec.resource as Secret)
    .filter((secret) => secretTypeOf(secret) === type);
}

function findSecret(deps: ApiDeps, logins: Logins, repo: string): Secret | undefined {
  return repositorySecrets(deps, logins).find((secret) => secretEntries(secret)['url'] === repo);
}

function getSecret(deps: ApiDeps, logins: Logins, repo: string): Secret {
  const secret = findSecret(deps, logins, repo);
  if (!secret)
    throw new FleetError(
      'NotFound',
      `repository ${repo} is not known; add it with its URL exactly as Applications write it`,
    );
  return secret;
}

function formatRepository(deps: ApiDeps, logins: Logins, secret: Secret): z.infer<typeof repository> {
  const { url = '', name = '', type = 'git', project = '' } = secretEntries(secret);
  const connectionState = logins.stateOf(deps, url) ?? { status: 'Unknown', message: 'not contacted yet' };
  return { repo: url, name, type, project, connectionState, secret: secret.metadata.name };
}

function toSecret(
  { repo, ...fields }: z.infer<typeof repositoryBody>,
  { type, prefix }: Logins,
  name = secretName(prefix, repo),
): unknown {
  const entries = Object.entries({ url: repo, ...fields }).filter(([, value]) => value !== undefined && value !== '');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: controlNamespace, labels: { [secretTypeLabel]: type } },
    stringData: Object.fromEntries(entries.map(([key, value]) => [key, String(value)])),
  };
}

function secretName(prefix: string, repo: string): string {
  return `${prefix}-${createHash('sha256').update(repo).digest('hex').slice(0, 16)}`;
}
