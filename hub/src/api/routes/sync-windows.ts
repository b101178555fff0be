import { type AppProject, type SyncWindow, syncWindow } from '@wheelhouse/shared/resources/app-project';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import { z } from 'zod';
import { windowStateOf } from '../../project/window.ts';
import type { ApiServer } from '../api-server.ts';
import { applicationParams, applicationQuery, keyOf } from '../application-query.ts';
import { permitApplication } from '../application-view.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { noQuery } from '../schema.ts';
import { findSpec } from '../stored-resource.ts';

const shownWindow = z.object({
  kind: z.string(),
  schedule: z.string(),
  duration: z.string(),
  manualSync: z.boolean(),
});

/** Argo CD's shape, and beside it why a sync may not happen now. */
const applicationWindows = z.object({
  activeWindows: z.array(shownWindow),
  assignedWindows: z.array(shownWindow),
  canSync: z.boolean().describe('By hand'),
  whyNotManual: z.string().exactOptional(),
  whyNotAutomated: z.string().exactOptional(),
});

/** When Applications may be synced, by the windows of their projects. */
export function syncWindowRoutes(app: ApiServer, deps: ApiDeps): void {
  app.get(
    '/api/v1/applications/:name/syncwindows',
    {
      schema: {
        tags: ['applications'],
        params: applicationParams,
        querystring: applicationQuery,
        response: { 200: applicationWindows },
      },
    },
    async (request) => {
      const key = keyOf(request.params, request.query);
      permitApplication(request, deps, { key, verb: 'get' });
      const { assigned, active, whyNotManual, whyNotAutomated } = deps.actions.windows(key);
      return {
        activeWindows: active.map(formatWindow),
        assignedWindows: assigned.map(formatWindow),
        canSync: whyNotManual === undefined,
        ...(whyNotManual === undefined ? {} : { whyNotManual }),
        ...(whyNotAutomated === undefined ? {} : { whyNotAutomated }),
      };
    },
  );

  app.get(
    '/api/v1/projects/:name/syncwindows',
    {
      schema: {
        tags: ['projects'],
        summary: 'The windows that are open now',
        params: z.strictObject({ name: z.string() }),
        querystring: noQuery,
        response: { 200: z.object({ windows: z.array(syncWindow) }) },
      },
    },
    async (request) => {
      const { name } = request.params;
      permit(request, 'get', { kind: 'projects', name });
      const { resource } = findSpec(deps, 'AppProject', { namespace: controlNamespace, name });
      return { windows: windowStateOf((resource as AppProject).spec.syncWindows ?? [], new Date()).active };
    },
  );
}

function formatWindow({ kind = '', schedule = '', duration = '', manualSync = false }: SyncWindow) {
  return { kind, schedule, duration, manualSync };
}
