import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { z } from 'zod';
import { identityOf } from '../hosts/credentials.ts';
import type { HostAccess } from '../hosts/host.ts';

const answer = z.object({ output: z.object({ parameters: z.array(z.looseObject({})).nullish() }) });

export interface PluginCall {
  applicationSet: string;
  /** Holds `baseUrl`, `token` as `$KEY` of argocd-secret or `$SECRET:KEY`, and perhaps `requestTimeout` in seconds. */
  configMap: string;
  parameters: object;
}

/** Argo CD: asks a generator plugin for its elements. Throws Invalid for its ConfigMap, or what the host throws. */
export async function askPlugin(
  { applicationSet, configMap, parameters }: PluginCall,
  access: HostAccess & { entriesOf(configMap: string): Record<string, string> },
): Promise<object[]> {
  const { baseUrl, token, requestTimeout } = access.entriesOf(configMap);
  if (!baseUrl) throw new FleetError('Invalid', `ConfigMap ${configMap}: needs baseUrl, the plugin's address`);
  const secret = tokenOf(token, configMap, access);
  const seconds = Number(requestTimeout ?? 30);
  if (!Number.isFinite(seconds) || seconds <= 0)
    throw new FleetError(
      'Invalid',
      `ConfigMap ${configMap}: requestTimeout "${requestTimeout}" is not a number of seconds`,
    );
  const client = access.http.open(
    {
      api: baseUrl,
      authorization: () => `Bearer ${secret}`,
      identity: identityOf('plugin', secret),
      // a ConfigMap of the hub is written by who may change its settings
      isConfigured: true,
      timeoutMs: seconds * 1_000,
    },
    access.signal,
  );
  const { output } = await client.get('/api/v1/getparams.execute', answer, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ applicationSetName: applicationSet, input: { parameters } }),
  });
  return output.parameters ?? [];
}

function tokenOf(token: string | undefined, configMap: string, access: Pick<HostAccess, 'secret'>): string {
  if (!token?.startsWith('$'))
    throw new FleetError(
      'Invalid',
      `ConfigMap ${configMap}: token must refer to a Secret, as $KEY of argocd-secret or $SECRET:KEY`,
    );
  const reference = token.slice(1);
  const colon = reference.indexOf(':');
  const secretName = colon < 0 ? 'argocd-secret' : reference.slice(0, colon);
  return access.secret({ secretName, key: reference.slice(colon + 1) }).trim();
}
