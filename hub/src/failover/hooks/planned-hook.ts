/** One call of one FailoverHook, as a plan keeps it. */
export interface PlannedHook {
  /** `namespace/name`. */
  hook: string;
  when: 'before' | 'after';
  step: 'Relabelling' | 'Arriving' | 'Withdrawing';
  direction: 'forward' | 'back';
  call: HookCall;
  /** Of each attempt. */
  timeoutMs: number;
  /** Attempts after the first. */
  retries: number;
  /** What becomes of the plan when the last attempt has failed. */
  onFailure: 'Pause' | 'Abort' | 'Continue';
  /** Number of the attempt that runs, or that ended last; 0 before the first. */
  attempt: number;
  /** Absent: not begun, or to be tried again. */
  state?: 'running' | 'succeeded' | 'failed';
  /** RFC 3339, of the attempt. */
  startedAt?: string;
  /** RFC 3339: not before. */
  retryAt?: string;
  /** What came of it last. */
  message?: string;
}

export type HookCall =
  | { type: 'http'; url: string; secret: { namespace: string; name: string; key: string } }
  | { type: 'nats'; subject: string }
  | { type: 'job'; application: { namespace: string; name: string } };

/** A hook runs once in a direction at each of its moments. */
export function isSameCall(a: PlannedHook, b: PlannedHook): boolean {
  return a.hook === b.hook && a.when === b.when && a.step === b.step && a.direction === b.direction;
}

/** `argocd/dns before Withdrawing`. */
export function formatHook({ hook, when, step }: Pick<PlannedHook, 'hook' | 'when' | 'step'>): string {
  return `hook ${hook} ${when} ${step}`;
}

/** Whom it calls, without what a URL may hold in its query. */
export function targetOf(call: HookCall): string {
  if (call.type === 'nats') return call.subject;
  if (call.type === 'job') return `${call.application.namespace}/${call.application.name}`;
  const { origin, pathname } = new URL(call.url);
  return `${origin}${pathname}`;
}
