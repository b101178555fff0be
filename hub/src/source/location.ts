import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';

/** Which revision of what is read: the part of an Application's source that says where, but not which path in it. */
export interface SourceLocation {
  repoURL: string;
  /** '' stands for the default branch of a repository, or the newest release of a chart. */
  targetRevision: string;
  /** Name of a chart in a Helm repository or OCI registry. */
  chart?: string;
  /** Argo CD: a chart may be downloaded with the repository's login from another host. */
  passCredentials?: boolean;
  /** Argo CD: only tags that begin with it are versions, and are compared without it. */
  tagPrefix?: string;
  /** repoURL is the address of a single file, which a snapshot has as `fileName`. */
  file?: true;
}

/** Name of the one file at a location of a single file. */
export const fileName = 'file.yaml';

export function locationOf(source: ApplicationSource): SourceLocation {
  const { repoURL, targetRevision = '', chart, tagPrefix, helm } = source;
  return {
    repoURL,
    targetRevision,
    ...(chart ? { chart } : {}),
    ...(chart && helm?.passCredentials ? { passCredentials: true } : {}),
    ...(tagPrefix ? { tagPrefix } : {}),
  };
}

/** Identity of a location, for maps. */
export function locationText(location: SourceLocation): string {
  const { repoURL, targetRevision, chart, tagPrefix, passCredentials, file } = location;
  const base = `${repoURL}\n${targetRevision}`;
  const more = `${chart ?? ''}\n${tagPrefix ?? ''}\n${passCredentials ? 'pass' : ''}${file ? 'file' : ''}`;
  return more === '\n\n' ? base : `${base}\n${more}`;
}
