/**
 * What people said of held removals, per ApplicationSet: the fingerprint of exactly the removals that they let go, until
 * these have gone, and the Applications that are to stay, until they are generated again. Bucket `fleet`.
 */
import { isFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Bucket } from './bucket.ts';
import { packJson, unpackJson } from './packed-json.ts';

/** Removals that a person does not want. */
export interface Rejection {
  /** Ids of Applications. */
  applications: string[];
  by: string;
  reason: string;
  /** RFC 3339. */
  at: string;
}

export interface Verdicts {
  released(namespace: string, name: string): string | undefined;
  release(namespace: string, name: string, fingerprint: string): Promise<void>;
  rejection(namespace: string, name: string): Rejection | undefined;
  /** Adds to what was rejected before. */
  reject(namespace: string, name: string, rejection: Rejection): Promise<void>;
  /** The set was deleted: a later one of its name begins with nothing said. */
  forget(namespace: string, name: string): Promise<void>;
  /** Forgets what an evaluation has acted upon. What was said since it looked stays. */
  use(namespace: string, name: string, used: Used): Promise<void>;
}

export interface Used {
  /** Fingerprint of a release. */
  released?: string | undefined;
  /** A rejection, and which of its Applications it is still needed for. */
  rejected?: { rejection: Rejection; still: readonly string[] } | undefined;
}

interface Known<T> {
  value: T;
  revision: number;
}

export async function createVerdicts(bucket: Bucket): Promise<Verdicts> {
  const releases = new Map<string, Known<string>>();
  const rejections = new Map<string, Known<Rejection>>();
  await bucket.watchAll(({ key, value, revision }) => {
    if (key.startsWith('release.')) keep(releases, key, value && { value: Buffer.from(value).toString(), revision });
    if (key.startsWith('rejection.'))
      keep(rejections, key, value && { value: unpackJson(value) as Rejection, revision });
  });
  const put = async (key: string, rejection: Rejection, revision: number) =>
    await bucket.caughtUp(await bucket.put(key, packJson(rejection), revision));
  return {
    released: (namespace, name) => releases.get(`release.${namespace}.${name}`)?.value,
    release: async (namespace, name, fingerprint) =>
      await bucket.caughtUp(await bucket.put(`release.${namespace}.${name}`, Buffer.from(fingerprint))),
    rejection: (namespace, name) => rejections.get(`rejection.${namespace}.${name}`)?.value,
    reject: async (namespace, name, rejection) => {
      const key = `rejection.${namespace}.${name}`;
      const stored = await bucket.get(key);
      const before = stored ? (unpackJson(stored.value) as Rejection).applications : [];
      const applications = [...new Set([...before, ...rejection.applications])].sort();
      await put(key, { ...rejection, applications }, stored?.revision ?? 0);
    },
    forget: async (namespace, name) => {
      for (const key of [`release.${namespace}.${name}`, `rejection.${namespace}.${name}`])
        if (releases.has(key) || rejections.has(key)) await bucket.delete(key);
    },
    use: async (namespace, name, { released, rejected }) => {
      const key = `release.${namespace}.${name}`;
      const release = releases.get(key);
      if (release && release.value === released) await unlessChanged(() => bucket.delete(key, release.revision));
      const known = rejections.get(`rejection.${namespace}.${name}`);
      if (known && known.value === rejected?.rejection)
        await forget(`rejection.${namespace}.${name}`, known, { still: rejected.still, bucket, put });
    },
  };
}

function keep<T>(all: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) all.delete(key);
  else all.set(key, value);
}

interface Forgetting {
  still: readonly string[];
  bucket: Bucket;
  put(key: string, rejection: Rejection, revision: number): Promise<void>;
}

async function forget(
  key: string,
  { value, revision }: Known<Rejection>,
  { still, bucket, put }: Forgetting,
): Promise<void> {
  const needed = new Set(still);
  const applications = value.applications.filter((app) => needed.has(app));
  if (applications.length === value.applications.length) return;
  await unlessChanged(async () =>
    applications.length === 0
      ? await bucket.delete(key, revision)
      : await put(key, { ...value, applications }, revision),
  );
}

/** Somebody said something new meanwhile: the next evaluation looks at that. */
async function unlessChanged(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isFleetError(error, 'Conflict')) throw error;
  }
}
