import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { formatFields } from '../output.ts';
import type { Run } from '../session.ts';

export function addVersionCommand(program: Command, run: Run): void {
  program
    .command('version')
    .description('versions of this command line and of the hub')
    .action(
      run(async ({ client, print, io, format }) => {
        const own = clientVersion();
        if (format === 'table') io.out(formatFields([['wheelhouse', own]]));
        const server = await client.request<{ Version: string; KustomizeVersion?: string; HelmVersion?: string }>(
          '/api/version',
        );
        print({ client: own, server }, () =>
          formatFields([
            ['hub', server.Version],
            ['kustomize', server.KustomizeVersion],
            ['helm', server.HelmVersion],
          ]),
        );
      }),
    );
}

/** Of this command line. */
export function clientVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
