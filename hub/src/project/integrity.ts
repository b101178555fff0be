import { matchesGlob } from '@wheelhouse/shared/glob/gobwas';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';

/** What must be signed of a revision, and by whom. */
export interface IntegrityPolicy {
  /** `head`: the commit, or the annotated tag that was named. `strict`: its history too, back to commits that seal it. */
  mode: 'head' | 'strict';
  /** Ids of keys, 16 digits, or fingerprints. */
  keys: readonly string[];
}

/** Argo CD: `signatureKeys` are a policy for every repository; without either field nothing is verified. */
export function integrityOf(
  project: AppProject | undefined,
  source: Pick<ApplicationSource, 'repoURL' | 'chart'>,
): IntegrityPolicy | undefined {
  // Argo CD: only Git has signatures
  if (source.chart || source.repoURL.startsWith('oci://')) return undefined;
  const { keys, policies } = wantedOf(project);
  if (keys.length > 0) return { mode: 'head', keys };
  const gpg = policies.find(({ repos }) => applies(repos, source.repoURL))?.gpg;
  if (!gpg || gpg.mode === 'none') return undefined;
  return { mode: gpg.mode === 'strict' ? 'strict' : 'head', keys: gpg.keys };
}

/** Why nobody can say what must be signed: then nothing new is taken. */
export function whyNoPolicy(
  project: AppProject | undefined,
  sources: readonly Pick<ApplicationSource, 'repoURL'>[],
): string | undefined {
  const { keys, policies } = wantedOf(project);
  const who = `project ${project?.metadata.name}`;
  if (keys.length > 0 && policies.length > 0) return `${who} has both signatureKeys and sourceIntegrity: keep one`;
  for (const { repoURL } of sources) {
    const found = policies.filter(({ repos }) => applies(repos, repoURL));
    if (found.length > 1)
      return `${who} has ${found.length} sourceIntegrity policies for ${repoURL}: let their repos not overlap`;
    const unknown = found.find(({ gpg }) => !modes.includes(gpg.mode));
    if (unknown)
      return `${who} has a sourceIntegrity policy of mode ${JSON.stringify(unknown.gpg.mode)}: it is none, head or strict`;
  }
  return undefined;
}

const modes = ['none', 'head', 'strict'];

function wantedOf(project: AppProject | undefined) {
  const { signatureKeys = [], sourceIntegrity } = project?.spec ?? {};
  return { keys: signatureKeys.map(({ keyID }) => keyID), policies: sourceIntegrity?.git.policies ?? [] };
}

/** Argo CD: globs, in which `*` crosses `/`; one that matches with `!` before it takes the repository out. */
function applies(repos: readonly { url: string }[], repoURL: string): boolean {
  const denied = repos.some(({ url }) => url.startsWith('!') && matchesGlob(url.slice(1), repoURL));
  return !denied && repos.some(({ url }) => !url.startsWith('!') && matchesGlob(url, repoURL));
}
