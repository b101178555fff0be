import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import { permit } from '../authentication.ts';
import type { ApiDeps } from '../deps.ts';
import { longestRequestMs, requestSignal } from '../request-signal.ts';
import { noQuery } from '../schema.ts';

const lines = z.object({ added: z.number(), removed: z.number() });
const kinds = z.enum(['added', 'changed', 'removed']);
const count = z.number();
const objectChange = z.object({
  ref: z.object({
    group: z.string(),
    version: z.string(),
    kind: z.string(),
    namespace: z.string(),
    name: z.string(),
  }),
  kind: kinds,
  text: z.string().describe('Unified diff of the YAML; empty for a Secret'),
  lines,
});

const previewAnswer = z
  .object({
    repoURL: z.string(),
    revision: z.string(),
    sha: z.string(),
    baseSha: z.string(),
    counts: z.object({ looked: count, added: count, changed: count, removed: count }).describe('Applications'),
    groups: z
      .array(
        z.object({
          kind: kinds,
          applications: z.array(z.object({ app: z.string(), cluster: z.string() })),
          clusters: z.number(),
          lines,
          objects: z.array(objectChange).describe('Of the first of the Applications'),
          leavesObjects: z
            .literal(true)
            .exactOptional()
            .describe('They are removed and have no finalizer: what they run stays'),
        }),
      )
      .describe('Applications that change in the same way, the largest group first'),
    pruned: z.array(z.object({ app: z.string(), cluster: z.string(), objects: z.array(z.string()) })),
    held: z.array(z.object({ applicationSet: z.string(), reason: z.string(), applications: z.array(z.string()) })),
    problems: z.array(z.object({ object: z.string(), code: z.string(), message: z.string() })),
  })
  .meta({ id: 'Preview' });

/** What merging a revision would do to the fleet. Nothing is kept of it. */
export function fleetPreviewRoutes(app: ApiServer, deps: ApiDeps): void {
  const schema = {
    tags: ['fleet'],
    summary: 'What merging a revision would change, on which clusters, and what would hold or refuse it',
    querystring: noQuery,
    body: z.strictObject({
      repoURL: z.string().min(1),
      revision: z.string().min(1),
      base: z.string().min(1).optional().describe('What it is merged into; the default branch unless given'),
    }),
    response: { 200: previewAnswer },
  };
  app.post('/api/v1/fleet/preview', { schema }, async (request, reply) => {
    permit(request, 'get', { kind: 'applications', name: '*' });
    return await deps.preview(request.body, requestSignal(reply, longestRequestMs));
  });
}
