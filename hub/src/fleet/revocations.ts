/**
 * Keys that are let in no longer. NATS ends their connections as soon as the hub hands it the account of the spokes with
 * the key in it, and keeps that account in its files. The hub keeps the list twice, in KV `fleet` and in a file of its
 * own, so that losing NATS' data revives nobody. A revoked key never comes back: whoever returns makes a new one.
 */
import { sleep } from '@wheelhouse/shared/async/abort';
import { FleetError, isFleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { findFile, replaceFile } from '@wheelhouse/shared/files/replace-file';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { RevokedKeys } from './accounts.ts';
import type { FleetRecords, RevocationRecord } from './records.ts';
import type { SystemAccount } from './system-account.ts';

export interface Revocations {
  find(publicKey: string): RevocationRecord | undefined;
  list(): RevocationRecord[];
  /** Resolves once NATS no longer lets the key in. Throws TransportUnavailable when it is recorded, but NATS did not confirm. */
  revoke(revocation: Omit<RevocationRecord, 'at' | 'until'>): Promise<void>;
}

export interface RevocationsDeps {
  records: Pick<FleetRecords, 'revocations' | 'onRevocation'>;
  system: Pick<SystemAccount, 'updateAccount' | 'onReconnect'>;
  authority: { fleetAccount(revoked: RevokedKeys): { publicKey: string; jwt: string } };
  logger: Logger;
  now: () => Date;
}

export interface RevocationsOptions {
  /** The copy outside of NATS. */
  file: string;
  /** Life of a spoke's JWT: NATS need not know of a key after that. */
  jwtLifeMs: number;
  /** How often the account is handed over whether or not anything changed, for a server that came back; default 60 s. */
  intervalMs?: number;
}

/** Kept for longer than any JWT lives: these would otherwise come back by a token that was used, or after NATS lost its data. */
const lasting: ReadonlySet<string> = new Set(['revoked', 'cloned', 'removed']);

/** Reads the file, writes what KV lacks, and hands the account to NATS before it returns. The signal ends its watch. */
export async function createRevocations(
  deps: RevocationsDeps,
  options: RevocationsOptions,
  signal: AbortSignal,
): Promise<Revocations> {
  const { records, logger, now } = deps;
  const known = new Map<string, RevocationRecord>();
  const learn = (record: RevocationRecord) => void known.set(record.publicKey, record);
  for (const record of await readCopy(options.file)) learn(record);
  for (const record of records.revocations.list()) learn(record);
  const push = createPusher(deps, known);
  const keep = createSaver(options.file, known, now);
  records.onRevocation((record) => {
    if (known.has(record.publicKey)) return;
    learn(record);
    void keep().catch((error: unknown) => logger.error({ err: error }, 'cannot keep the list of revoked keys'));
    void push().catch((error: unknown) => logger.warn({ err: toFleetError(error) }, 'nats has not taken a revocation'));
  });
  const reconcile = async () => {
    await keep();
    for (const record of known.values()) await restore(records, record);
    await push();
  };
  await reconcile();
  void repeat(reconcile, { ...deps, intervalMs: options.intervalMs ?? 60_000 }, signal);
  return {
    find: (publicKey) => known.get(publicKey),
    list: () => [...known.values()],
    revoke: async (revocation) => {
      const at = now();
      const until = new Date(at.getTime() + options.jwtLifeMs + 3_600_000).toISOString();
      const record: RevocationRecord = known.get(revocation.publicKey) ?? {
        ...revocation,
        at: at.toISOString(),
        until,
      };
      learn(record);
      await keep();
      await restore(records, record);
      await push();
    },
  };
}

/** One push at a time; a caller's promise stands for a push that began after it called. */
function createPusher({ authority, system, now }: RevocationsDeps, known: ReadonlyMap<string, RevocationRecord>) {
  let tail: Promise<void> = Promise.resolve();
  let waiting: Promise<void> | undefined;
  return async (): Promise<void> => {
    waiting ??= tail
      // whoever waited for that one was told
      .catch(() => undefined)
      .then(async () => {
        waiting = undefined;
        await system.updateAccount(authority.fleetAccount(revokedKeys(known.values(), now())));
      });
    tail = waiting;
    await waiting;
  };
}

/** What NATS is told: the same for the same list, so that replicas do not undo each other's work. */
export function revokedKeys(records: Iterable<RevocationRecord>, now: Date): RevokedKeys {
  const keys: Record<string, number> = {};
  let changedAt = 0;
  for (const { publicKey, at, until } of [...records].sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1))) {
    const isOver = Date.parse(until) <= now.getTime();
    // a JWT of the same second must not pass
    const upTo = Math.ceil(Date.parse(at) / 1000);
    // a revoked key never comes back, so neither does a JWT that another replica still gave it
    if (!isOver) keys[publicKey] = Math.ceil(Date.parse(until) / 1000);
    changedAt = Math.max(changedAt, isOver ? Math.ceil(Date.parse(until) / 1000) : upTo);
  }
  return { keys, changedAt };
}

async function restore(records: RevocationsDeps['records'], record: RevocationRecord): Promise<void> {
  if (records.revocations.find(record.publicKey) && (await records.revocations.read(record.publicKey))) return;
  try {
    await records.revocations.put(record.publicKey, record, 0);
  } catch (error) {
    if (!isFleetError(error, 'Conflict')) throw error;
  }
}

/** One write at a time, so that an older list never comes last. */
function createSaver(file: string, known: ReadonlyMap<string, RevocationRecord>, now: () => Date) {
  let saved = '';
  let tail: Promise<void> = Promise.resolve();
  const write = async () => {
    const isKept = ({ kind, until }: RevocationRecord) => lasting.has(kind) || Date.parse(until) > now().getTime();
    const text = JSON.stringify([...known.values()].filter(isKept), null, 2);
    if (text !== saved) await replaceFile(file, text);
    saved = text;
  };
  return async (): Promise<void> => {
    // whoever waited for the one before was told of its failure
    tail = tail.catch(() => undefined).then(write);
    await tail;
  };
}

async function readCopy(file: string): Promise<RevocationRecord[]> {
  const found = await findFile(file);
  try {
    return found ? (JSON.parse(found.toString()) as RevocationRecord[]) : [];
  } catch (cause) {
    throw new FleetError(
      'Malformed',
      `${file} is damaged: restore it from a backup; it names the keys that are revoked`,
      {
        cause,
      },
    );
  }
}

async function repeat(
  task: () => Promise<void>,
  { system, logger, intervalMs }: RevocationsDeps & { intervalMs: number },
  signal: AbortSignal,
): Promise<void> {
  const attempt = () =>
    task().catch((error: unknown) => {
      if (!signal.aborted)
        logger.warn({ err: toFleetError(error) }, 'cannot hand the revoked keys to nats; trying again');
    });
  using _ = system.onReconnect(() => void attempt());
  while (await sleep(intervalMs, signal)) await attempt();
}
