/** Argo CD's settings of the source hydrator, from `argocd-cm`. */
export interface HydratorSettings {
  authorName: string;
  authorEmail: string;
  /** Go template over `.metadata`, which holds what `hydrator.metadata` does. */
  commitMessage?: string;
  /** Go template over the same, with the names of Argo CD's fields. */
  readme?: string;
}

/** Reads the ConfigMap `argocd-cm`, if there is one. */
export function readHydratorSettings(configMap: { resource: object } | undefined): HydratorSettings {
  const { data = {} } = (configMap?.resource ?? {}) as { data?: Record<string, string> };
  const commitMessage = data['sourceHydrator.commitMessageTemplate'];
  const readme = data['sourceHydrator.readmeMessageTemplate'];
  return {
    authorName: nameIn(data['commit.author.name']) || 'Wheelhouse',
    authorEmail: nameIn(data['commit.author.email']) || 'wheelhouse@localhost',
    ...(commitMessage ? { commitMessage } : {}),
    ...(readme ? { readme } : {}),
  };
}

/** Git: what separates the parts of an author cannot be in them. */
function nameIn(text = ''): string {
  return text.replaceAll(/[<>\p{Cc}]/gu, ' ').trim();
}
