import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Look } from './signatures.ts';

/** A longer history is refused rather than checked for minutes at each commit. */
const maxCommits = 5_000;

/**
 * The commit and its ancestors, as far back as commits that seal what is before them (Argo CD: the trailer Argocd-gpg-seal); those are
 * among them. Throws TooLarge.
 */
export async function historyToVerify(look: Look, sha: string, display: string): Promise<string[]> {
  const format = '--format=%H%x00%P%x00%(trailers:key=Argocd-gpg-seal,valueonly,separator=%x20)';
  const { exitCode, stdout } = await look(['log', '-z', format, sha, '--']);
  const known = parseHistory(exitCode === 0 ? stdout : '');
  const found = new Set<string>();
  const queue = [sha];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (found.has(at)) continue;
    const commit = known.get(at);
    if (!commit)
      throw new FleetError('RepositoryUnreachable', `the history of ${display} could not be read as far as ${at}`);
    found.add(at);
    if (found.size > maxCommits)
      throw new FleetError(
        'TooLarge',
        `${display} has more than ${maxCommits} commits to check since the last that seals them: make a signed commit with the trailer Argocd-gpg-seal`,
      );
    if (!commit.seals) queue.push(...commit.parents);
  }
  return [...found];
}

function parseHistory(output: string): Map<string, { parents: string[]; seals: boolean }> {
  const texts = output.replace(/\0$/u, '').split('\0');
  const commits = new Map<string, { parents: string[]; seals: boolean }>();
  for (let at = 0; at + 2 < texts.length; at += 3) {
    const [sha = '', parents = '', seal = ''] = texts.slice(at, at + 3);
    commits.set(sha, { parents: parents.split(' ').filter(Boolean), seals: seal.trim() !== '' });
  }
  return commits;
}
