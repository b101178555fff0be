import { z } from 'zod';
import type { ApiServer } from '../api-server.ts';
import type { ApiDeps } from '../deps.ts';

/** Argo CD answers under /api/version, in capitals; /api/v1/version is the same. */
export function versionRoutes(app: ApiServer, deps: ApiDeps): void {
  const answer = z.object({
    Version: z.string(),
    GitCommit: z.string().exactOptional(),
    KustomizeVersion: z.string().exactOptional(),
    HelmVersion: z.string().exactOptional(),
    Platform: z.string(),
  });
  const { version, gitCommit, kustomizeVersion, helmVersion } = deps.version;
  const body: z.infer<typeof answer> = {
    Version: version,
    ...(gitCommit === undefined ? {} : { GitCommit: gitCommit }),
    ...(kustomizeVersion === undefined ? {} : { KustomizeVersion: kustomizeVersion }),
    ...(helmVersion === undefined ? {} : { HelmVersion: helmVersion }),
    Platform: `${process.platform}/${process.arch}`,
  };
  for (const path of ['/api/version', '/api/v1/version'])
    app.get(path, { schema: { tags: ['version'], response: { 200: answer } } }, async () => body);
}
