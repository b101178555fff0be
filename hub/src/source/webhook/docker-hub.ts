import { z } from 'zod';
import { registryProvider, tagsPushed } from './registry-call.ts';

const pushed = z.object({
  push_data: z.object({ tag: z.string().min(1) }),
  repository: z.object({ repo_name: z.string().min(1) }),
});

/** Names of Docker Hub as a registry. */
const hosts = ['registry-1.docker.io', 'docker.io', 'index.docker.io', 'registry.hub.docker.com'];

/** Docker Hub: a tag was pushed. Its documentation names no signature, no header of its own and no other event. */
export const dockerHub = registryProvider('dockerHub', 'docker-hub', (payload) => {
  const { push_data: data, repository } = pushed.parse(payload);
  return tagsPushed(
    hosts.map((host) => `${host}/${repository.repo_name}`),
    [data.tag],
  );
});
