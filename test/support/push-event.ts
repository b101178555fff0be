import type { Platform } from './platform.ts';

/** Tells the hub of a push to `main`, as GitHub would. */
export async function sendPush(platform: Pick<Platform, 'webhook'>, repoUrl: string, sha: string): Promise<void> {
  await platform.webhook(
    { 'x-github-event': 'push' },
    {
      ref: 'refs/heads/main',
      before: '0'.repeat(40),
      after: sha,
      repository: { html_url: repoUrl.replace(/\.git$/, ''), clone_url: repoUrl, default_branch: 'main' },
      commits: [],
    },
  );
}
