/** What every error code means to the outside: the HTTP status, and whether trying again can help. */
export const catalogue = {
  // what a person sent
  Malformed: { status: 400, retryable: false },
  UnknownField: { status: 400, retryable: false },
  Invalid: { status: 400, retryable: false },
  Unauthenticated: { status: 401, retryable: false },
  Forbidden: { status: 403, retryable: false },
  NotFound: { status: 404, retryable: false },
  Conflict: { status: 409, retryable: false },
  TooLarge: { status: 413, retryable: false },
  /** A stream's client that does not keep up with it. */
  TooSlow: { status: 429, retryable: true },
  /** Too many requests of one address to a route that anybody may call. */
  RateLimited: { status: 429, retryable: true },
  // sources
  RepositoryUnreachable: { status: 502, retryable: true },
  RepositoryAuthentication: { status: 502, retryable: true },
  HostKeyMismatch: { status: 502, retryable: false },
  RevisionNotFound: { status: 404, retryable: false },
  PushRefused: { status: 422, retryable: false },
  PathNotFound: { status: 404, retryable: false },
  PathOutsideRepository: { status: 400, retryable: false },
  // generate
  GeneratorFailed: { status: 422, retryable: false },
  TemplateFailed: { status: 422, retryable: false },
  DuplicateApplication: { status: 409, retryable: false },
  DeletionHeld: { status: 409, retryable: false },
  PlanBlocked: { status: 409, retryable: false },
  NotPermitted: { status: 403, retryable: false },
  UnknownDestination: { status: 422, retryable: false },
  Unsupported: { status: 422, retryable: false },
  HostUnreachable: { status: 502, retryable: true },
  HostAuthentication: { status: 502, retryable: false },
  HostRateLimited: { status: 503, retryable: true },
  // render
  RenderFailed: { status: 422, retryable: false },
  RenderTimeout: { status: 504, retryable: true },
  ManifestInvalid: { status: 422, retryable: false },
  RawSecretRefused: { status: 422, retryable: false },
  ToolMissing: { status: 500, retryable: false },
  // transport
  SignatureInvalid: { status: 403, retryable: false },
  GenerationOld: { status: 409, retryable: false },
  WrongCluster: { status: 403, retryable: false },
  DigestMismatch: { status: 422, retryable: true },
  TokenInvalid: { status: 401, retryable: false },
  IdentityRevoked: { status: 403, retryable: false },
  TransportUnavailable: { status: 503, retryable: true },
  QueueUnavailable: { status: 503, retryable: true },
  // spoke
  ApplyFailed: { status: 422, retryable: true },
  ClusterUnavailable: { status: 503, retryable: true },
  Timeout: { status: 504, retryable: true },
  Aborted: { status: 499, retryable: true },
  Internal: { status: 500, retryable: true },
} as const satisfies Record<string, { status: number; retryable: boolean }>;

export type ErrorCode = keyof typeof catalogue;
