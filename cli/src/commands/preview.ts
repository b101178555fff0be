import type { Preview } from '@wheelhouse/hub/preview/preview';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readHostToken } from '../config.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { formatMarkdown } from '../preview/format-markdown.ts';
import { formatCounts, formatPreview, isBlocked } from '../preview/format-text.ts';
import { type Post, postPreview } from '../preview/post.ts';
import type { Run, Session } from '../session.ts';

interface Options {
  repo: string;
  revision: string;
  base?: string;
  markdown?: boolean;
  post?: Post['host'];
  hostRepo?: string;
  hostUrl?: string;
  change?: number;
}

export function addPreviewCommand(program: Command, run: Run): void {
  program
    .command('preview')
    .description(
      `what merging a revision would do to the fleet; exit code ${exitCodes.blocked} when something would be held, refused or fail`,
    )
    .requiredOption('--repo <url>', 'repository, as Applications and sets write it')
    .requiredOption('--revision <revision>', 'branch, tag or commit that is to be merged')
    .option('--base <revision>', 'what it is merged into; the default branch unless given')
    .option('--markdown', 'print a text for a pull request')
    .addOption(new Option('--post <host>', 'also write it to the review').choices(['github', 'gitlab']))
    .option('--host-repo <name>', 'with --post: OWNER/NAME, or GitLab’s path of the project')
    .option('--host-url <url>', 'with --post: the host’s API, where it is not github.com or gitlab.com')
    .option('--change <number>', 'with --post: number of the pull or merge request', readNumber)
    .action(run<[], Options>(async (session, _args, options) => await runPreview(session, options)));
}

async function runPreview(session: Session, options: Options): Promise<ExitCode> {
  const { client, print, io } = session;
  const { repo: repoURL, revision, base } = options;
  const posting = options.post && readPost(options.post, options, session);
  const body = { repoURL, revision, ...(base ? { base } : {}) };
  const preview = await client.request<Preview>('/api/v1/fleet/preview', { method: 'POST', body });
  const markdown = formatMarkdown(preview);
  print(preview, () => (options.markdown ? markdown : formatPreview(preview)));
  const blocked = isBlocked(preview);
  if (posting) {
    await postPreview({ ...posting, sha: preview.sha, markdown, blocked, summary: formatCounts(preview) }, io.signal);
    io.err(`written to ${options.hostRepo} ${options.change}\n`);
  }
  return blocked ? exitCodes.blocked : exitCodes.ok;
}

type Posting = Pick<Post, 'host' | 'apiUrl' | 'repository' | 'change' | 'token'>;

/** Judged before the hub is asked, so that a mistake costs nothing. */
function readPost(host: Post['host'], { hostRepo, hostUrl, change }: Options, { io }: Session): Posting {
  if (!hostRepo || change === undefined)
    throw new FleetError('Invalid', '--post needs --host-repo OWNER/NAME and --change NUMBER');
  const { variable, token } = readHostToken(io.env, host);
  if (!token) throw new FleetError('Invalid', `--post ${host} needs a token in the variable ${variable}`);
  return { host, apiUrl: hostUrl, repository: hostRepo, change, token };
}

function readNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('give a number');
  return Number(text);
}
