import type { FastifyInstance } from 'fastify';
import type { ApiDeps } from '../deps.ts';

/** GitHub sends at most 25 MB. */
const bodyLimit = 25 * 1024 * 1024;

/** Push events of Git hosts. The body stays as it came, because signatures are over its bytes. A scope of its own. */
export function webhookRoutes(scope: FastifyInstance, deps: ApiDeps): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
  const schema = {
    tags: ['webhook'],
    summary: 'Push event of GitHub, GitLab, Bitbucket Server, Gitea or Gogs, signed as the host signs',
    security: [],
  };
  scope.post('/api/webhook', { config: { public: true }, bodyLimit, schema }, async (request) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    await deps.webhook(request.headers, body);
    return {};
  });
}
