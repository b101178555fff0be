import type { ErrorCode } from '@wheelhouse/shared/errors/catalogue';
import type { Remote } from '../../remote.ts';
import type { FetchRequest } from '../engine.ts';
import type { PackLimits } from './check-pack.ts';

export interface FetchLimits extends PackLimits {
  maxResponseBytes: number;
}

/** What the engine and its worker thread say to each other; structured-cloneable. */
export type WorkerTask =
  | { kind: 'listRefs'; remote: Remote }
  | { kind: 'create'; directory: string }
  | { kind: 'fetch'; request: FetchRequest; limits: FetchLimits };

export type ToWorker = { id: number; task: WorkerTask } | { id: number; abort: true };

export interface WorkerError {
  code: ErrorCode;
  message: string;
  details: Record<string, unknown>;
}

export type FromWorker = { id: number; value: unknown } | { id: number; error: WorkerError };
