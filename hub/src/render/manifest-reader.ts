import { Worker } from 'node:worker_threads';
import { withTimeout } from '@wheelhouse/shared/async/abort';
import { createLimit } from '@wheelhouse/shared/async/limit';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { WorkerReply, WorkerRequest } from './manifest-worker.ts';
import { type ManifestSet, type ManifestText, readManifests } from './manifests.ts';
import type { RawSecretAllowance } from './raw-secrets.ts';

/** Above this many characters a parse would hold up the event loop, and BullMQ's locks with it. */
const heavyChars = 256 * 1024;

export interface ReadRequest {
  texts: readonly ManifestText[];
  /** Secrets that may come with their data. */
  allowance?: RawSecretAllowance | undefined;
}

export interface ManifestReader extends AsyncDisposable {
  /** As `readManifests`; heavy texts in a worker thread, whose hang or exhaustion is an error of that read alone. */
  read(wanted: ReadRequest, signal: AbortSignal): Promise<ManifestSet>;
}

export function createManifestReader(options: { timeoutMs: number }): ManifestReader {
  const oneAtATime = createLimit(1);
  let worker: Worker | undefined;
  const retire = async () => {
    const retired = worker;
    worker = undefined;
    await retired?.terminate();
  };
  return {
    read: async (wanted, signal) => {
      const { texts, allowance } = wanted;
      if (texts.reduce((total, { text }) => total + text.length, 0) <= heavyChars)
        return readManifests(texts, allowance);
      return await oneAtATime(async () => {
        worker ??= startWorker();
        try {
          return await readInWorker(worker, wanted, withTimeout(signal, options.timeoutMs));
        } catch (error) {
          if (!(error instanceof FleetError) || error.code === 'RenderTimeout') await retire();
          signal.throwIfAborted();
          throw error;
        }
      }, signal);
    },
    [Symbol.asyncDispose]: retire,
  };
}

function startWorker(): Worker {
  const worker = new Worker(new URL('./manifest-worker.ts', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  worker.unref();
  return worker;
}

async function readInWorker(
  worker: Worker,
  { texts, allowance }: ReadRequest,
  signal: AbortSignal,
): Promise<ManifestSet> {
  const manifests: ManifestSet['manifests'] = [];
  const canonical: string[] = [];
  let reply = await ask(worker, { type: 'read', texts: [...texts], allowance }, signal);
  while (reply.type === 'portion') {
    for (const manifest of reply.manifests) manifests.push(manifest);
    for (const json of reply.canonical) canonical.push(json);
    reply = await ask(worker, { type: 'next' }, signal);
  }
  if (reply.type === 'failed') throw new FleetError(reply.error.code ?? 'ManifestInvalid', reply.error.message);
  const { digest, warnings, rawSecrets } = reply;
  return { manifests, canonical, digest, warnings, rawSecrets };
}

function ask(worker: Worker, request: WorkerRequest, signal: AbortSignal): Promise<WorkerReply> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      worker.off('message', onMessage).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      worker.unref();
      act();
    };
    const onMessage = (reply: WorkerReply) => settle(() => resolve(reply));
    const onError = (error: Error) => settle(() => reject(error));
    const onAbort = () =>
      settle(() =>
        reject(new FleetError('RenderTimeout', 'the manifests took too long to parse', { cause: signal.reason })),
      );
    if (signal.aborted) return onAbort();
    worker.ref();
    worker.on('message', onMessage).on('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a browser's window
    worker.postMessage(request);
  });
}
