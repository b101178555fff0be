import { parseDuration } from '@wheelhouse/shared/config/duration';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Verb } from '../../access/access.ts';
import { rolloutKey } from '../../rollout/rollout-store.ts';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps, Person, RolloutDetail } from '../deps.ts';
import { formatList, listOf } from '../schema.ts';

const path = '/api/v1/fleet/rollouts';
const tags = ['fleet'];
const kinds = z.enum(['FleetRollout', 'RollingSync']);
const params = z.strictObject({ name: z.string() });
const querystring = z.strictObject({ namespace: z.string().optional(), kind: kinds.optional() });
const counts = z.record(z.string(), z.number());

const step = z.object({
  name: z.string(),
  state: z.enum(['Waiting', 'Progressing', 'Soaking', 'Proved', 'Ended']),
  size: z.number().describe('Clusters that it takes, whether they change or not'),
  members: counts,
  startedAt: z.string().exactOptional(),
  provedAt: z.string().exactOptional(),
  needsApproval: z.boolean(),
  approved: z.object({ by: z.string(), at: z.string(), comment: z.string().exactOptional() }).exactOptional(),
});

const rollout = z
  .object({
    kind: kinds,
    namespace: z.string(),
    name: z.string(),
    phase: z.string(),
    message: z.string().describe('Why it is where it is, and what it waits for'),
    since: z.string().exactOptional(),
    run: z.number().exactOptional(),
    revision: z.string().exactOptional(),
    startedAt: z.string().exactOptional(),
    endedAt: z.string().exactOptional(),
    outcome: z.string().exactOptional(),
    step: z.number().exactOptional().describe('The one under way, from 1'),
    members: counts.describe('Clusters (RollingSync: Applications) of the newest run by state'),
    steps: z.array(step),
    pause: z.object({ reason: z.string(), by: z.string(), until: z.string().exactOptional() }).exactOptional(),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'Rollout' });

const application = z.object({ name: z.string(), from: z.string().exactOptional(), to: z.string() });

const detail = rollout
  .extend({
    clusters: z.array(
      z.object({
        name: z.string(),
        step: z.string(),
        state: z.string(),
        since: z.string(),
        message: z.string().exactOptional(),
        applications: z.array(application),
      }),
    ),
    events: z.array(z.object({ at: z.string(), type: z.string(), message: z.string(), by: z.string() })),
  })
  .meta({ id: 'RolloutDetail' });

/** Rollouts over the fleet: where each is and why, and what people may ask of one. */
export function fleetRolloutRoutes(app: ApiServer, deps: ApiDeps): void {
  app.get(path, { schema: { tags, querystring, response: { 200: listOf(rollout) } } }, async (request) => {
    permit(request, 'get', { kind: 'rollouts', name: '*' });
    const { namespace, kind } = request.query;
    const all = deps.rollouts.list();
    return formatList(all.filter((one) => (!namespace || one.namespace === namespace) && (!kind || one.kind === kind)));
  });
  const schema = { tags, params, querystring, response: { 200: detail } };
  app.get(`${path}/:name`, { schema }, async (request) => {
    const { found } = getRollout(deps, request.params.name, request.query);
    permit(request, 'get', { kind: 'rollouts', name: request.params.name });
    return found;
  });
  pauseRoutes(app, deps);
  endRoutes(app, deps);
  approveRoute(app, deps);
}

function pauseRoutes(app: ApiServer, deps: ApiDeps): void {
  const body = z.strictObject({
    reason: z.string().min(1).max(1_000),
    until: z.iso.datetime({ offset: true }).optional(),
    for: z.string().optional().describe('Instead of `until`: a duration, as 2h'),
  });
  const summary = 'Nothing begins any more; what is under way is still judged';
  const schema = { tags, summary, params, querystring, body, response: { 200: detail } };
  app.post(`${path}/:name/pause`, { schema }, async (request) => {
    const { reason } = request.body;
    const until = untilOf(request.body);
    return await command(deps, request, async (key, by) =>
      deps.rollouts.pause(key, { reason, ...(until ? { until } : {}) }, by),
    );
  });
  const resume = {
    tags,
    summary: 'End a pause; after a failure, an abort or an undo: begin anew',
    params,
    querystring,
    response: { 200: detail },
  };
  app.post(`${path}/:name/resume`, { schema: resume }, async (request) =>
    command(deps, request, async (key, by) => deps.rollouts.resume(key, by)),
  );
}

function untilOf(body: { until?: string | undefined; for?: string | undefined }): string | undefined {
  if (body.for === undefined) return body.until && new Date(body.until).toISOString();
  const ms = parseDuration(body.for);
  if (ms === undefined) throw new FleetError('Invalid', `"${body.for}" is not a duration; write it as 1h30m`);
  return new Date(Date.now() + ms).toISOString();
}

function endRoutes(app: ApiServer, deps: ApiDeps): void {
  const body = z.strictObject({ reason: z.string().min(1).max(1_000) });
  const common = { tags, params, querystring, body, response: { 200: detail } };
  const abort = { ...common, summary: 'End the run where it is: what was updated stays so' };
  app.post(`${path}/:name/abort`, { schema: abort }, async (request) =>
    command(deps, request, async (key, by) => deps.rollouts.abort(key, request.body, by)),
  );
  const undo = { ...common, summary: 'Take the newest run back to what is recorded' };
  app.post(`${path}/:name/undo`, { schema: undo }, async (request) =>
    command(deps, request, async (key, by) => deps.rollouts.undo(key, request.body, by)),
  );
}

function approveRoute(app: ApiServer, deps: ApiDeps): void {
  const body = z.strictObject({ step: z.string().optional(), comment: z.string().max(1_000).optional() });
  const schema = { tags, summary: 'Let a step begin', params, querystring, body, response: { 200: detail } };
  app.post(`${path}/:name/approve`, { schema }, async (request) => {
    const { step: name, comment } = request.body;
    const options = { ...(name === undefined ? {} : { step: name }), ...(comment ? { comment } : {}) };
    return await command(deps, request, async (key, by) => deps.rollouts.approve(key, options, by));
  });
}

type Addressed = FastifyRequest & {
  params: z.infer<typeof params>;
  query: z.infer<typeof querystring>;
};

async function command(
  deps: ApiDeps,
  request: Pick<Addressed, 'params' | 'query'> & FastifyRequest,
  ask: (key: string, by: Person) => Promise<void>,
): Promise<RolloutDetail> {
  const verb: Verb = 'update';
  const { name } = request.params;
  const { key } = getRollout(deps, name, request.query);
  const by = permit(request, verb, { kind: 'rollouts', name });
  await ask(key, { name: by, roles: request.principal?.roles ?? [] });
  return getRollout(deps, name, request.query).found;
}

/** Of two with one name, the FleetRollout unless the query says otherwise. */
function getRollout(
  deps: ApiDeps,
  name: string,
  { namespace = controlNamespace, kind }: z.infer<typeof querystring>,
): { key: string; found: RolloutDetail } {
  for (const one of kind ? [kind] : kinds.options) {
    const key = rolloutKey(one, namespace, name);
    const found = deps.rollouts.find(key);
    if (found) return { key, found };
  }
  throw new FleetError('NotFound', `rollout ${namespace}/${name} does not exist`);
}
