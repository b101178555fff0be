import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps, PlanView } from '../deps.ts';
import { appSelector, definite, pace, planView } from '../plan-schema.ts';
import { formatList, labelChanges, listOf, noQuery } from '../schema.ts';

const path = '/api/v1/fleet/plans';
const tags = ['fleet'];
const params = z.strictObject({ id: z.string() });
const failoverBody = z.strictObject({
  from: z.string().describe('Selector of the clusters that Applications leave'),
  to: z.string().describe('Selector of the clusters that they go to'),
  apps: appSelector,
  labels: z.array(z.string()).min(1).optional().describe('Labels that both sides exchange; found when absent'),
  setFrom: labelChanges.optional(),
  setTo: labelChanges.optional(),
  ...pace,
});

const relabelBody = z.strictObject({
  clusters: z.record(z.string(), labelChanges).describe('Label changes by cluster; null removes one'),
  apps: appSelector,
  ...pace,
});

/** Plans: what a change of labels would do, and its life once it is begun. */
export function fleetPlanRoutes(app: ApiServer, deps: ApiDeps): void {
  app.get(path, { schema: { tags, querystring: noQuery, response: { 200: listOf(planView) } } }, async (request) => {
    permit(request, 'get', { kind: 'clusters', name: '*' });
    return formatList(deps.plans.list());
  });
  app.get(
    `${path}/:id`,
    { schema: { tags, params, querystring: noQuery, response: { 200: planView } } },
    async (request) => {
      permit(request, 'get', { kind: 'clusters', name: '*' });
      return getPlan(deps, request.params.id);
    },
  );
  makingRoutes(app, deps);
  lifeRoutes(app, deps);
}

function makingRoutes(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    tags,
    summary: 'Plan a failover, or a change of labels. Nothing is begun',
    querystring: noQuery,
    body: z.union([failoverBody, relabelBody]),
    response: { 200: planView },
  };
  app.post(path, { schema }, async (request) => {
    const owner = permit(request, 'update', { kind: 'clusters', name: '*' });
    const signal = planningSignal();
    if ('from' in request.body) {
      const { from, to, apps, labels, setFrom, setTo, ...options } = definite(request.body);
      const asked = {
        from,
        to,
        ...(apps === undefined ? {} : { apps }),
        ...(labels ? { labels } : {}),
        ...(setFrom ? { setFrom } : {}),
        ...(setTo ? { setTo } : {}),
      };
      return await deps.plans.plan(asked, { ...options, owner }, signal);
    }
    const { clusters, apps, ...options } = definite(request.body);
    const change = { labels: new Map(Object.entries(clusters)), ...(apps === undefined ? {} : { apps }) };
    const plan = await deps.plans.relabel(change, { ...options, owner, planOnly: true }, signal);
    if (!plan)
      throw new FleetError(
        'Invalid',
        "these labels change no placement, so there is nothing to plan, and nothing was set: set them with 'wheelhouse cluster label'",
      );
    return plan;
  });
}

function lifeRoutes(app: ApiServer, deps: ApiDeps): void {
  const act = <S extends z.ZodType>(
    verb: string,
    body: S,
    work: (id: string, asked: { by: string; body: z.output<S>; signal: AbortSignal }) => Promise<PlanView>,
  ) => {
    const schema = { tags, params, querystring: noQuery, body, response: { 200: planView } };
    app.post(`${path}/:id/${verb}`, { schema }, async (request) => {
      const by = permit(request, 'update', { kind: 'clusters', name: '*' });
      const { id } = request.params;
      return await work(id, { by, body: request.body as z.output<S>, signal: planningSignal() });
    });
  };
  const withReason = z.strictObject({ reason: pace.reason }).default({ reason: '' });
  const nothing = z.strictObject({}).default({});
  const accept = z.array(z.string()).default([]).describe('Codes of findings that are meant');
  act(
    'start',
    z.strictObject({ accept }).default({ accept: [] }),
    async (id, { by, body, signal }) => await deps.plans.start(id, { by, accept: body.accept }, signal),
  );
  act('pause', withReason, async (id, { by, body }) => await deps.plans.pause(id, { by, ...body }));
  act('resume', nothing, async (id, { by }) => await deps.plans.resume(id, { by }));
  act('abort', withReason, async (id, { by, body }) => await deps.plans.abort(id, { by, ...body }));
  act(
    'fail-back',
    z.strictObject(pace).default({ reason: '' }),
    async (id, { by, body, signal }) => await deps.plans.failBack(id, { ...definite(body), owner: by }, signal),
  );
  const apps = z.array(z.string()).default([]).describe('Application ids; all that are kept when empty');
  act(
    'withdraw',
    z.strictObject({ apps }).default({ apps: [] }),
    async (id, { by, body, signal }) => await deps.plans.withdraw(id, { by, ...body }, signal),
  );
}

function getPlan(deps: ApiDeps, id: string): PlanView {
  const plan = deps.plans.find(id);
  if (!plan) throw new FleetError('NotFound', `there is no plan ${id}`);
  return plan;
}

/** Planning ends before a client gives up. */
export function planningSignal(): AbortSignal {
  return AbortSignal.timeout(55_000);
}
