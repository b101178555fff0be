/** A commit of another repository that led to a dry commit, by what its trailers say. */
export interface CommitReference {
  author?: string;
  date?: string;
  subject?: string;
  body?: string;
  sha?: string;
  repoURL?: string;
}

type Field = keyof CommitReference;

/** Argo CD: trailers `Argocd-reference-commit-<name>`, and what is a value of each. */
const trailers = new Map<string, { field: Field; read(text: string): string | undefined }>([
  ['author', { field: 'author', read: (text) => only(/^[^<>\p{Cc}]*<[^<>\s@]+@[^<>\s@]+>$/u, text) }],
  ['sha', { field: 'sha', read: (text) => only(/^[0-9a-f]{5,40}$/u, text) }],
  ['subject', { field: 'subject', read: (text) => text || undefined }],
  ['body', { field: 'body', read: readJsonText }],
  ['repourl', { field: 'repoURL', read: (text) => (URL.canParse(text) ? text : undefined) }],
  ['date', { field: 'date', read: (text) => only(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/u, text) }],
]);

const prefix = 'argocd-reference-commit-';

/**
 * Takes these trailers out of the body of a commit message. Of one that is there more than once the last counts; one whose value
 * is none stays in the body.
 */
export function readReference(body: string): { body: string; reference?: CommitReference } {
  const reference: CommitReference = {};
  const kept = body.split('\n').filter((line) => {
    const [, name = '', text = ''] = /^([A-Za-z-]+):(.*)$/su.exec(line) ?? [];
    const known = name.toLowerCase().startsWith(prefix)
      ? trailers.get(name.toLowerCase().slice(prefix.length))
      : undefined;
    const value = known?.read(text.trim());
    if (!known || value === undefined) return true;
    reference[known.field] = value;
    return false;
  });
  const rest = kept.join('\n').trim();
  return { body: rest, ...(Object.keys(reference).length > 0 ? { reference } : {}) };
}

function only(pattern: RegExp, text: string): string | undefined {
  return pattern.test(text) ? text : undefined;
}

function readJsonText(text: string): string | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined; // it is no value, and stays in the body
  }
}
