import { createHash } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import { type Secret, secretEntries, secretTypeLabel, secretTypeOf } from '@wheelhouse/shared/resources/settings';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { formatList, listOf, noQuery, queryBoolean } from '../schema.ts';
import { isUnchanged, readResource, writeSpec } from '../stored-resource.ts';

const path = '/api/v1/repositories';
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

/** Repositories are Secrets of the type `repository`, as in Argo CD: what is added here can be exported there. */
export function repositoryRoutes(app: ApiServer, deps: ApiDeps): void {
  readRoutes(app, deps);
  createRoute(app, deps);
  deleteRoute(app, deps);
}

function readRoutes(app: ApiServer, deps: ApiDeps): void {
  const querystring = z.strictObject({
    repo: z.string().optional(),
    forceRefresh: queryBoolean.optional(),
    appProject: z.string().optional(),
  });
  app.get(path, { schema: { tags, querystring, response: { 200: listOf(repository) } } }, async (request) => {
    permit(request, 'get', { kind: 'repositories', name: '*' });
    const { repo, appProject } = request.query;
    const all = repositorySecrets(deps).map((secret) => formatRepository(deps, secret));
    return formatList(
      all.filter((each) => (!repo || each.repo === repo) && (!appProject || each.project === appProject)),
    );
  });

  const params = z.strictObject({ repo: z.string().describe('URL, encoded') });
  app.get(
    `${path}/:repo`,
    { schema: { tags, params, querystring: noQuery, response: { 200: repository } } },
    async (request) => {
      permit(request, 'get', { kind: 'repositories', name: request.params.repo });
      return formatRepository(deps, getSecret(deps, request.params.repo));
    },
  );
}

function createRoute(app: ApiServer, deps: ApiDeps): void {
  const querystring = z.strictObject({ upsert: queryBoolean.optional() });
  app.post(
    path,
    { schema: { tags, querystring, body: repositoryBody, response: { 200: repository } } },
    async (request) => {
      const { repo } = request.body;
      const { upsert = false } = request.query;
      const by = permit(request, upsert ? 'update' : 'create', { kind: 'repositories', name: repo });
      const present = findSecret(deps, repo);
      const read = readResource(toSecret(request.body, present?.metadata.name));
      const existing = deps.specs.find('Secret', read.namespace, read.name);
      if (existing && !upsert && !isUnchanged(existing, read.resource))
        throw new FleetError('Invalid', `repository ${repo} exists and differs; send upsert=true to replace it`);
      const stored = await writeSpec(deps, read, { by, ...(existing ? { existing } : { expectedRevision: 0 }) });
      return formatRepository(deps, stored.resource as Secret);
    },
  );
}

function deleteRoute(app: ApiServer, deps: ApiDeps): void {
  const params = z.strictObject({ repo: z.string().describe('URL, encoded') });
  app.delete(
    `${path}/:repo`,
    { schema: { tags, params, querystring: noQuery, response: { 200: z.object({}) } } },
    async (request) => {
      const { repo } = request.params;
      const by = permit(request, 'delete', { kind: 'repositories', name: repo });
      const { namespace, name } = getSecret(deps, repo).metadata;
      await deps.specs.delete('Secret', namespace, name, { by });
      return {};
    },
  );
}

function repositorySecrets(deps: ApiDeps): Secret[] {
  return deps.specs
    .list('Secret')
    .map((spec) => spec.resource as Secret)
    .filter((secret) => secretTypeOf(secret) === 'repository');
}

function findSecret(deps: ApiDeps, repo: string): Secret | undefined {
  return repositorySecrets(deps).find((secret) => secretEntries(secret)['url'] === repo);
}

function getSecret(deps: ApiDeps, repo: string): Secret {
  const secret = findSecret(deps, repo);
  if (!secret)
    throw new FleetError(
      'NotFound',
      `repository ${repo} is not known; add it with its URL exactly as Applications write it`,
    );
  return secret;
}

function formatRepository(deps: ApiDeps, secret: Secret): z.infer<typeof repository> {
  const { url = '', name = '', type = 'git', project = '' } = secretEntries(secret);
  const connectionState = deps.repositoryState(url) ?? { status: 'Unknown', message: 'not contacted yet' };
  return { repo: url, name, type, project, connectionState, secret: secret.metadata.name };
}

function toSecret({ repo, ...fields }: z.infer<typeof repositoryBody>, name = secretName(repo)): unknown {
  const entries = Object.entries({ url: repo, ...fields }).filter(([, value]) => value !== undefined && value !== '');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: controlNamespace, labels: { [secretTypeLabel]: 'repository' } },
    stringData: Object.fromEntries(entries.map(([key, value]) => [key, String(value)])),
  };
}

function secretName(repo: string): string {
  return `repo-${createHash('sha256').update(repo).digest('hex').slice(0, 16)}`;
}
