import { isDeepStrictEqual } from 'node:util';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { applicationSource } from '@wheelhouse/shared/resources/application-source';
import { drySourceOf, sourcesOf } from '@wheelhouse/shared/resources/application-sources';
import { controlNamespace } from '@wheelhouse/shared/resources/defaults';
import { z } from 'zod';
import { announcement } from '../../render/plugins/announcement.ts';
import type { ApiServer } from '../api-server.ts';
import { accessOf, permitApplication } from '../application-view.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { requestSignal } from '../request-signal.ts';
import { noQuery } from '../schema.ts';

/** Fetching what is not here any more, and asking a plugin. */
const timeoutMs = 60_000;

/** Of Argo CD's answer what people can act upon here: the kind of source, and the parameters of a plugin. */
export function sourceDetailsRoutes(app: ApiServer, deps: ApiDeps): void {
  const params = z.strictObject({ repo: z.string().describe('URL of the source, encoded') });
  const body = z.strictObject({
    source: applicationSource,
    appName: z.string().min(1).describe('An Application that has this source: NAME or NAMESPACE/NAME'),
    appProject: z.string().optional(),
    sourceIndex: z.int().nonnegative().optional(),
  });
  const response = {
    200: z.object({
      type: z.string(),
      plugin: z.object({ parametersAnnouncement: z.array(announcement) }).exactOptional(),
    }),
  };
  const summary = 'What makes the manifests of a source, and the parameters that its plugin says it has';
  const schema = { tags: ['repositories'], summary, params, querystring: noQuery, body, response };
  app.post('/api/v1/repositories/:repo/appdetails', { schema }, async (request, reply) => {
    const { source, appName, appProject, sourceIndex: index } = request.body;
    const { repo } = request.params;
    permit(request, 'get', { kind: 'repositories', name: repo });
    const key = readAppName(appName);
    const { application } = permitApplication(request, deps, { key, verb: 'get' }).view;
    const { sourceHydrator } = application.spec;
    const sources = [...sourcesOf(application.spec), ...(sourceHydrator ? [drySourceOf(sourceHydrator)] : [])];
    const isInForce = sources.some((one) => isDeepStrictEqual(one, source));
    // a plugin runs with the options that are asked about: others than those in force are for who may set them
    if (!isInForce) permit(request, 'update', accessOf(application));
    if (source.repoURL !== repo) throw new FleetError('Invalid', `source.repoURL is ${source.repoURL}, not ${repo}`);
    if (appProject !== undefined && appProject !== application.spec.project)
      throw new FleetError('Invalid', `application ${appName} is of project ${application.spec.project}`);
    const signal = requestSignal(reply, timeoutMs);
    const { type, parameters } = await deps.describeSource(key, { source, index }, signal);
    return { type, ...(parameters ? { plugin: { parametersAnnouncement: parameters } } : {}) };
  });
}

function readAppName(text: string): { namespace: string; name: string } {
  const [first = '', second] = text.split('/');
  return second === undefined ? { namespace: controlNamespace, name: first } : { namespace: first, name: second };
}
