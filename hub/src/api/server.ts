/**
 * The hub's API: Argo CD's REST under /api/v1, ours under /api/v1/fleet, webhook, health and metrics.
 * Inputs: the ports of `deps.ts`. Every route is authenticated unless it says `config: { public: true }`.
 * It must never decide anything about desired state: it checks, calls a port and formats the answer.
 */

import swagger from '@fastify/swagger';
import { parseJson } from '@wheelhouse/shared/kube/json';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ApiServer } from './api-server.ts';
import { addAuthentication } from './authentication.ts';
import type { ApiDeps } from './deps.ts';
import { answerError } from './errors.ts';
import { addHttpMetrics } from './http-metrics.ts';
import { addPublicLimit } from './public-limit.ts';
import { applicationDetailRoutes } from './routes/application-detail.ts';
import { applicationOperationRoutes } from './routes/application-operations.ts';
import { applicationSetRoutes } from './routes/application-sets.ts';
import { applicationStreamRoutes } from './routes/application-stream.ts';
import { applicationRoutes } from './routes/applications.ts';
import { clusterRoutes } from './routes/clusters.ts';
import { adoptionRoutes } from './routes/fleet-adoption.ts';
import { fleetApplyRoutes } from './routes/fleet-apply.ts';
import { fleetClusterRoutes } from './routes/fleet-clusters.ts';
import { fleetEnrolmentRoutes } from './routes/fleet-enrolment.ts';
import { fleetIdentityRoutes } from './routes/fleet-identities.ts';
import { fleetPlanRoutes } from './routes/fleet-plans.ts';
import { fleetPreviewRoutes } from './routes/fleet-preview.ts';
import { fleetResourceRoutes } from './routes/fleet-resources.ts';
import { fleetRolloutRoutes } from './routes/fleet-rollouts.ts';
import { fleetTokenRoutes } from './routes/fleet-tokens.ts';
import { probeRoutes } from './routes/probes.ts';
import { projectRoutes } from './routes/projects.ts';
import { repositoryRoutes } from './routes/repositories.ts';
import { sourceDetailsRoutes } from './routes/source-details.ts';
import { syncWindowRoutes } from './routes/sync-windows.ts';
import { versionRoutes } from './routes/version.ts';
import { webhookRoutes } from './routes/webhook.ts';
import { compileSerializer, compileValidator } from './schema.ts';

export interface ApiOptions {
  /** PEM; HTTP without TLS when absent. */
  tls?: { key: string; cert: string };
  /** Changed Applications that a stream may hold for a client that does not read; 20,000 unless given. */
  streamBacklog?: number;
}

/** Largest JSON body; the routes for YAML and for webhooks have limits of their own. */
const bodyLimitBytes = 4 * 1024 * 1024;

/** For a request to arrive whole. */
const requestTimeoutMs = 120_000;

/** Builds the server; the caller listens and closes. */
export async function createApiServer(deps: ApiDeps, options: ApiOptions = {}): Promise<ApiServer> {
  const app = createFastify(deps, options).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(compileSerializer);
  app.setErrorHandler(answerError);
  readExactIntegers(app);
  addHttpMetrics(app, deps.metrics);
  addAuthentication(app, deps.access);
  await addPublicLimit(app);
  await addOpenApi(app, deps);

  probeRoutes(app, deps);
  versionRoutes(app, deps);
  applicationRoutes(app, deps);
  applicationDetailRoutes(app, deps);
  applicationOperationRoutes(app, deps);
  applicationStreamRoutes(app, deps, options.streamBacklog);
  applicationSetRoutes(app, deps);
  projectRoutes(app, deps);
  clusterRoutes(app, deps);
  syncWindowRoutes(app, deps);
  repositoryRoutes(app, deps);
  sourceDetailsRoutes(app, deps);
  adoptionRoutes(app, deps);
  fleetClusterRoutes(app, deps);
  fleetIdentityRoutes(app, deps);
  fleetPlanRoutes(app, deps);
  fleetPreviewRoutes(app, deps);
  fleetTokenRoutes(app, deps);
  fleetResourceRoutes(app, deps);
  fleetRolloutRoutes(app, deps);
  fleetEnrolmentRoutes(app, deps);
  await app.register(async (scope) => fleetApplyRoutes(scope, deps));
  await app.register(async (scope) => webhookRoutes(scope, deps));
  return app;
}

function createFastify(deps: ApiDeps, options: ApiOptions): FastifyInstance {
  const common = {
    loggerInstance: deps.logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 2048 },
  };
  return options.tls ? (Fastify({ ...common, https: options.tls }) as FastifyInstance) : Fastify(common);
}

async function addOpenApi(app: ApiServer, deps: ApiDeps): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Wheelhouse',
        version: deps.version.version,
        description: 'GitOps for fleets of Kubernetes clusters',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

/** JSON bodies hold Applications, whose Helm values may hold integers beyond a double. */
function readExactIntegers(app: ApiServer): void {
  const check = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    void check(request, String(body), (error) => {
      if (error) done(error);
      else done(null, parseJson(String(body)));
    });
  });
}
