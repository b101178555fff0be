import { type Secret, secretTypeLabel } from './settings.ts';

/** What an Argo CD cluster Secret says of a cluster, without its credentials. */
export interface ImportedCluster {
  name: string;
  server: string;
  /** Argo CD: a cluster that belongs to one project. */
  project?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** kubectl writes the whole Secret into it, credentials and all. */
export const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Argo CD: `name` (the server unless given) and `server` are entries; labels and annotations are the Secret's own. */
export function parseClusterSecret(secret: Secret): ImportedCluster {
  const { labels = {}, annotations = {} } = secret.metadata;
  const server = entryOf(secret, 'server') ?? '';
  const project = entryOf(secret, 'project');
  return {
    name: entryOf(secret, 'name') || server,
    server,
    ...(project ? { project } : {}),
    labels: without(labels, secretTypeLabel),
    annotations: without(annotations, lastApplied),
  };
}

function entryOf({ data, stringData }: Secret, entry: string): string | undefined {
  const encoded = data?.[entry];
  return stringData?.[entry] ?? (encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString());
}

function without(values: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
}
