/** Worker thread: parses heavy texts, and hands the manifests over in portions that the main thread asks for. */
import { parentPort } from 'node:worker_threads';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type ManifestSet, type ManifestText, readManifests } from './manifests.ts';

export type WorkerRequest = { type: 'read'; texts: ManifestText[] } | { type: 'next' };
export type WorkerReply =
  | { type: 'portion'; manifests: ManifestSet['manifests']; canonical: string[] }
  | { type: 'end'; digest: string; warnings: string[] }
  | { type: 'failed'; error: { code?: FleetError['code']; message: string } };

const portionChars = 128 * 1024;
let reply: Iterator<WorkerReply> | undefined;

parentPort?.on('message', (request: WorkerRequest) => {
  if (request.type === 'read') reply = replies(request.texts);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a browser's window
  parentPort?.postMessage(reply?.next().value);
});

function* replies(texts: ManifestText[]): Generator<WorkerReply> {
  let set: ManifestSet;
  try {
    set = readManifests(texts);
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
  yield { type: 'end', digest: set.digest, warnings: set.warnings };
}

function endOfPortion(canonical: string[], start: number): number {
  let end = start;
  for (let chars = 0; end < canonical.length && chars < portionChars; end += 1) chars += canonical[end]?.length ?? 0;
  return end;
}
