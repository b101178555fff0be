/** Worker thread: parses heavy texts, and hands the manifests over in portions that the main thread asks for. */
import { parentPort } from 'node:worker_threads';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type ManifestSet, type ManifestText, readManifests } from './manifests.ts';
import type { RawSecretAllowance } from './raw-secrets.ts';

export type WorkerRequest =
  | { type: 'read'; texts: ManifestText[]; allowance?: RawSecretAllowance | undefined }
  | { type: 'next' };
export type WorkerReply =
  | { type: 'portion'; manifests: ManifestSet['manifests']; canonical: string[] }
  | ({ type: 'end' } & Pick<ManifestSet, 'digest' | 'warnings' | 'rawSecrets'>)
  | { type: 'failed'; error: { code?: FleetError['code']; message: string } };

const portionChars = 128 * 1024;
let reply: Iterator<WorkerReply> | undefined;

parentPort?.on('message', (request: WorkerRequest) => {
  if (request.type === 'read') reply = replies(request.texts, request.allowance);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a browser's window
  parentPort?.postMessage(reply?.next().value);
});

function* replies(texts: ManifestText[], allowance: RawSecretAllowance | undefined): Generator<WorkerReply> {
  let set: ManifestSet;
  try {
    set = readManifests(texts, allowance);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    yield { type: 'failed', error: error instanceof FleetError ? { code: error.code, message } : { message } };
    return;
  }
  let start = 0;
  while (start < set.manifests.length) {
    const end = endOfPortion(set.canonical, start);
    yield { type: 'portion', manifests: set.manifests.slice(start, end), canonical: set.canonical.slice(start, end) };
    start = end;
  }
  const { digest, warnings, rawSecrets } = set;
  yield { type: 'end', digest, warnings, rawSecrets };
}

function endOfPortion(canonical: string[], start: number): number {
  let end = start;
  for (let chars = 0; end < canonical.length && chars < portionChars; end += 1) chars += canonical[end]?.length ?? 0;
  return end;
}
