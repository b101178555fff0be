/** Over what failover hooks are called: HTTP to hosts of the settings, and a NATS that is not the hub's own. */
import { EnvHttpProxyAgent } from 'undici';
import type { HubConfig } from './config.ts';
import { originsOf } from './failover/hooks/http-hook.ts';
import { createNatsHooks } from './failover/hooks/nats-hook.ts';
import type { RunHookDeps } from './failover/hooks/run-hook.ts';
import { proxiesOf } from './proxy.ts';

export type HookCallers = Pick<RunHookDeps, 'http' | 'nats'> & AsyncDisposable;

export function openHookCallers(
  config: Pick<HubConfig, 'hookHosts' | 'hookNatsUrl' | 'hookNatsCreds' | 'replica'>,
  environment: Readonly<Record<string, string | undefined>>,
): HookCallers {
  const { http, https, none } = proxiesOf(environment);
  const dispatcher = new EnvHttpProxyAgent({ httpProxy: http, httpsProxy: https, noProxy: none, connections: 8 });
  const nats = createNatsHooks({
    url: config.hookNatsUrl,
    creds: config.hookNatsCreds,
    name: `${config.replica} hooks`,
  });
  return {
    http: { dispatcher, origins: originsOf(config.hookHosts) },
    nats,
    [Symbol.asyncDispose]: async () => {
      await nats[Symbol.asyncDispose]();
      await dispatcher.destroy();
    },
  };
}
