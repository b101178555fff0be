/** Which held removals a person has let go: per ApplicationSet the fingerprint of exactly these removals. Bucket `fleet`. */
import type { Bucket } from './bucket.ts';

export interface Releases {
  find(namespace: string, name: string): string | undefined;
  put(namespace: string, name: string, fingerprint: string): Promise<void>;
}

export async function createReleases(bucket: Bucket): Promise<Releases> {
  const releases = new Map<string, string>();
  await bucket.watchAll((entry) => {
    if (!entry.key.startsWith('release.')) return;
    if (entry.value) releases.set(entry.key, Buffer.from(entry.value).toString());
    else releases.delete(entry.key);
  });
  return {
    find: (namespace, name) => releases.get(`release.${namespace}.${name}`),
    put: async (namespace, name, fingerprint) =>
      await bucket.caughtUp(await bucket.put(`release.${namespace}.${name}`, Buffer.from(fingerprint))),
  };
}
