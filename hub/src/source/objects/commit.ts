/** What a commit object says of itself. `author` is `Name <email>`; `committedAt` is RFC 3339 in UTC. */
export interface Commit {
  tree: string;
  author?: string;
  committedAt?: string;
  /** Its first 64 Ki characters. */
  message: string;
}

const maxMessageLength = 64 << 10;

export function parseCommit(data: Buffer): Commit {
  const text = data.toString('utf8');
  const end = text.indexOf('\n\n');
  const header = end < 0 ? text : text.slice(0, end);
  const author = /^author (.*>)/m.exec(header)?.[1];
  const seconds = /^committer .*> (-?\d+)/m.exec(header)?.[1];
  return {
    tree: /^tree ([0-9a-f]{40})$/m.exec(header)?.[1] ?? '',
    ...(author === undefined ? {} : { author }),
    ...(seconds === undefined ? {} : { committedAt: formatTime(Number(seconds)) }),
    message:
      end < 0
        ? ''
        : text
            .slice(end + 2, end + 2 + maxMessageLength)
            .trimEnd()
            .toWellFormed(),
  };
}

/** The object that an annotated tag points to. */
export function parseTagTarget(data: Buffer): string | undefined {
  return /^object ([0-9a-f]{40})$/m.exec(data.toString('latin1'))?.[1];
}

/** A commit may state any number; a date beyond what Date holds becomes the nearest that it does. */
function formatTime(seconds: number): string {
  const bound = 8_640_000_000_000;
  return new Date(Math.min(Math.max(seconds, -bound), bound) * 1000).toISOString().replace('.000Z', 'Z');
}
