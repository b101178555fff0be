import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { formatYaml } from '@wheelhouse/shared/kube/yaml';
import { compileGoTemplate } from '../generate/template/go-template.ts';
import type { GoMap } from '../generate/template/value.ts';
import { readManifests } from '../render/manifests.ts';
import { type CommitReference, readReference } from './commit-references.ts';
import type { HydratorSettings } from './hydrator-settings.ts';

/** The one file that is deployed; what else lies beside it says how it was made. */
export const manifestName = 'manifest.yaml';
export const metadataName = 'hydrator.metadata';
const readmeName = 'README.md';
/** Argo CD writes these three. Whatever else lies in a folder is somebody else's. */
export const ownNames: readonly string[] = [manifestName, metadataName, readmeName];

/** The commit that manifests were made of. */
export interface DryCommit {
  /** Without a login. */
  repoURL: string;
  sha: string;
  author?: string | undefined;
  date?: string | undefined;
  message?: string | undefined;
}

/** What `hydrator.metadata` holds, in Argo CD's order. */
interface Metadata {
  repoURL: string;
  drySha: string;
  author?: string | undefined;
  date?: string | undefined;
  references?: { commit: CommitReference }[];
  body?: string | undefined;
  subject?: string | undefined;
}

/**
 * What is written into an Application's folder. Throws RawSecretRefused for a Secret with its data, whatever its project allows,
 * TemplateFailed, and Internal when the text would be read as something else than what was rendered.
 */
export function formatFolder(
  bundle: { digest: string; manifests: readonly KubeObject[] },
  dry: DryCommit & { path: string },
  { readme }: Pick<HydratorSettings, 'readme'>,
): Record<string, string> {
  const text = bundle.manifests.map((manifest) => formatYaml(manifest)).join('---\n');
  const read = readManifests([{ origin: manifestName, text }]);
  if (read.digest !== bundle.digest)
    throw new FleetError(
      'Internal',
      `${manifestName} would be read as other manifests than were rendered: report this`,
    );
  return {
    [manifestName]: text,
    [metadataName]: formatMetadata({ repoURL: dry.repoURL, drySha: dry.sha }),
    [readmeName]: readme === undefined ? formatReadme(dry) : formatOwnReadme(dry, readme),
  };
}

/** Argo CD: `hydrator.metadata` at the root of the branch, of the newest commit that anything was made of. */
export function formatRootMetadata(dry: DryCommit): string {
  return formatMetadata(metadataOf(dry));
}

/** The message of the commit that holds the manifests. Throws TemplateFailed. */
export function formatMessage(dry: DryCommit, { commitMessage }: Pick<HydratorSettings, 'commitMessage'>): string {
  const metadata = metadataOf(dry);
  if (commitMessage !== undefined) {
    const params = { metadata: JSON.parse(JSON.stringify(metadata)) as GoMap };
    return fill('sourceHydrator.commitMessageTemplate', commitMessage, params);
  }
  const { drySha, subject = '', body, author, references = [] } = metadata;
  const authors = [author, ...references.map(({ commit }) => commit.author)].filter((one) => one !== undefined);
  const trailers = [...new Set(authors)].map((one) => `Co-authored-by: ${one}`).join('\n');
  return [`${drySha.slice(0, 7)}: ${subject}`, body, trailers].filter(Boolean).join('\n\n');
}

function metadataOf({ repoURL, sha, author, date, message = '' }: DryCommit): Metadata {
  const [subject = '', ...rest] = message.split('\n');
  const { body, reference } = readReference(rest.join('\n'));
  return {
    repoURL,
    drySha: sha,
    author,
    date,
    ...(reference ? { references: [{ commit: reference }] } : {}),
    body: body || undefined,
    subject: subject || undefined,
  };
}

function formatMetadata(metadata: Metadata): string {
  return `${JSON.stringify(metadata, undefined, 2)}\n`;
}

function formatReadme({ repoURL, sha, path }: DryCommit & { path: string }): string {
  const folder = path || '.';
  return `# Rendered manifests

\`${manifestName}\` was rendered from the folder \`${folder}\` of ${repoURL} at commit ${sha}. Change that folder, not this one: the next rendering replaces these files.

\`\`\`shell
git clone ${repoURL} dry
git -C dry checkout ${sha}
cd dry/${folder}
\`\`\`
`;
}

function formatOwnReadme(dry: DryCommit, template: string): string {
  const { repoURL, drySha, author = '', date = '', body = '', subject = '', references = [] } = metadataOf(dry);
  const commits = references.map(({ commit }) => ({
    Commit: {
      Author: commit.author ?? '',
      Date: commit.date ?? '',
      Subject: commit.subject ?? '',
      Body: commit.body ?? '',
      SHA: commit.sha ?? '',
      RepoURL: commit.repoURL ?? '',
    },
  }));
  const known = { RepoURL: repoURL, DrySHA: drySha, Author: author, Date: date, Body: body, Subject: subject };
  return fill('sourceHydrator.readmeMessageTemplate', template, { ...known, References: commits, Commands: [] });
}

function fill(setting: string, template: string, params: GoMap): string {
  try {
    return compileGoTemplate(template, 'default')(params);
  } catch (error) {
    const { message } = toFleetError(error);
    throw new FleetError('TemplateFailed', `${setting} of argocd-cm: ${message}`, { cause: error });
  }
}
