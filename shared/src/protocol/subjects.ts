/** Subjects of the fleet protocol, version 1. A cluster name is one token: `[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?`. */
export const subjects = {
  /** Stored, last value: the signed document of a cluster (account HUB). */
  desired: (cluster: string) => `fleet.v1.desired.${cluster}.index`,
  /** The same bytes, as they are stored (spokes subscribe). */
  live: (cluster: string) => `fleet.v1.live.${cluster}.index`,
  /** Direct Get of the document, as a spoke may ask for it. */
  get: (cluster: string) => `fleet.v1.get.${cluster}.index`,
  /** One part of a bundle (see `blobName`): stored write-once in HUB, and read under the same name in FLEET. */
  blob: (name: string, part: number) => `fleet.v1.blob.${name}.${part}`,
  /** Where the hub stores that part. */
  blobStored: (name: string, part: number) => `fleet.v1.blobs.${name}.${part}`,
  /** All parts. */
  blobParts: (name: string) => `fleet.v1.blobs.${name}.*`,
  status: (cluster: string, app: string) => `fleet.v1.up.${cluster}.status.${formatToken(app)}`,
  heartbeat: (cluster: string) => `fleet.v1.up.${cluster}.hb`,
  renew: (cluster: string) => `fleet.v1.up.${cluster}.renew`,
  /** A question of the hub to one spoke, and where its answer goes. */
  command: (cluster: string, id: string) => `fleet.v1.cmd.${cluster}.${id}`,
  answer: (cluster: string, id: string) => `fleet.v1.up.${cluster}.answer.${id}`,
} as const;

/** An Application id as one subject token: a dot, which Kubernetes names may hold, becomes `~`, which they may not. */
export function formatToken(name: string): string {
  return name.replaceAll('.', '~');
}

export function parseToken(token: string): string {
  return token.replaceAll('~', '.');
}
