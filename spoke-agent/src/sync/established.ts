import { sleep } from '@wheelhouse/shared/async/abort';
import { parseApiVersion } from '@wheelhouse/shared/kube/object';
import type { SyncContext } from './app-state.ts';
import type { DesiredResource } from './target.ts';

/** Argo CD: a CustomResourceDefinition gets 3 s to be established, looked at every 100 ms. */
const timeoutMs = 3_000;
const pollMs = 100;

/** Waits until the API server serves what these define, then follows those kinds; a slow one fails later, by its own error. */
export async function waitEstablished(
  { cluster, watches }: Pick<SyncContext, 'cluster' | 'watches'>,
  definitions: readonly DesiredResource[],
  { kinds, signal }: { kinds: readonly DesiredResource['ref'][]; signal: AbortSignal },
): Promise<void> {
  const defined = new Set(definitions.map(({ defines }) => defines));
  const waiting = kinds.filter(({ group, kind }) => defined.has(`${group}/${kind}`));
  for (let waited = 0; waited < timeoutMs && waiting.length > 0; waited += pollMs) {
    const kind = waiting.at(-1) as DesiredResource['ref'];
    if (await cluster.findResource(kind, signal)) {
      watches.retry(parseKind(kind));
      waiting.pop();
    } else if (!(await sleep(pollMs, signal))) return;
  }
}

function parseKind({ group, version, kind }: DesiredResource['ref']) {
  return { ...parseApiVersion(group ? `${group}/${version}` : version), kind };
}
