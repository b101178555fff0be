import { withoutLogin } from '../http/http-client.ts';
import type { SourceLocation } from '../location.ts';

/** What a Helm repository and a registry both do. */
export interface Fetcher {
  /** The revision that the target revision stands for now, and the digest (sha256, hex) of its archive where that is told. */
  resolve(location: SourceLocation, signal: AbortSignal): Promise<{ revision: string; digest?: string }>;
  /** `revision` as `resolve` gave it. */
  download(location: SourceLocation, revision: string, signal: AbortSignal): Promise<Buffer>;
}

export function formatChart({ repoURL, chart }: SourceLocation): string {
  const where = withoutLogin(repoURL);
  return chart ? `chart ${chart} of ${where}` : `artifact ${where}`;
}
