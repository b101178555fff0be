import type { ErrorCode } from '@wheelhouse/shared/errors/catalogue';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/** Kubernetes: the `Status` object that an API server answers with when it refuses. */
export interface KubeStatus {
  kind?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: { name?: string; kind?: string; causes?: { reason?: string }[]; retryAfterSeconds?: number };
}

const codes: Record<number, { code: ErrorCode; retryable: boolean }> = {
  400: { code: 'ApplyFailed', retryable: false },
  401: { code: 'Unauthenticated', retryable: true },
  403: { code: 'Forbidden', retryable: false },
  404: { code: 'NotFound', retryable: true },
  405: { code: 'Unsupported', retryable: false },
  409: { code: 'Conflict', retryable: true },
  410: { code: 'Conflict', retryable: true },
  413: { code: 'TooLarge', retryable: false },
  415: { code: 'Unsupported', retryable: false },
  422: { code: 'ApplyFailed', retryable: false },
  429: { code: 'ClusterUnavailable', retryable: true },
  502: { code: 'ClusterUnavailable', retryable: true },
  503: { code: 'ClusterUnavailable', retryable: true },
  504: { code: 'ClusterUnavailable', retryable: true },
};

/** An API server's refusal as our error: its own message and reason, and whether asking again can help. */
export function errorOfStatus(httpStatus: number, status: KubeStatus, what: string): FleetError {
  const terminating = status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
  const { code, retryable } = terminating
    ? { code: 'ApplyFailed' as const, retryable: true }
    : (codes[httpStatus] ?? { code: 'ApplyFailed', retryable: true });
  const message = status.message?.trim() || `the API server answered ${httpStatus}`;
  const details = { httpStatus, reason: status.reason, subject: status.details?.kind };
  return new FleetError(code, `${what}: ${message}`, { retryable, details });
}

/** Kubernetes 410 Gone: the resource version is too old to watch from; list again. */
export function isExpired(error: unknown): boolean {
  return error instanceof FleetError && error.details['httpStatus'] === 410;
}
