// Does by hand, on a cluster of the demo, what nobody should do, and waits until it is healed.
// Inputs: how to reach the cluster behind the spoke's back. Never speaks to the hub.
import { setTimeout as wait } from 'node:timers/promises';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { Agent, fetch } from 'undici';
import type { ClusterAccess } from './clusters.ts';

/** What of a service is looked at. */
interface ServiceState {
  greeting: string | undefined;
  replicas: number | undefined;
  /** The Service object is there. */
  reachable: boolean;
}

/** Deletes the Service, edits the ConfigMap, scales the Deployment to 0; returns the milliseconds until all three are as before. */
export async function breakAndWatch(
  access: ClusterAccess,
  service: string,
  options: { onBroken: () => void; timeoutMs: number },
): Promise<number> {
  const dispatcher = new Agent(access.caPem ? { connect: { ca: access.caPem } } : {});
  try {
    const call = createCall({ ...access, dispatcher });
    const before = await readService(call, service);
    const base = `/api/v1/namespaces/${service}`;
    await call(`PATCH ${base}/configmaps/${service}`, { data: { GREETING: 'broken by hand' } });
    const brokenAt = performance.now();
    await call(`DELETE ${base}/services/${service}`);
    await call(`PATCH /apis/apps/v1/namespaces/${service}/deployments/${service}`, { spec: { replicas: 0 } });
    options.onBroken();
    while (!isSame(before, await readService(call, service))) {
      if (performance.now() - brokenAt > options.timeoutMs)
        throw new FleetError(
          'Timeout',
          `it was not healed within ${options.timeoutMs / 1_000} s: is automated.selfHeal on?`,
        );
      await wait(5);
    }
    return performance.now() - brokenAt;
  } finally {
    await dispatcher.close();
  }
}

function isSame(left: ServiceState, right: ServiceState): boolean {
  return left.greeting === right.greeting && left.replicas === right.replicas && left.reachable === right.reachable;
}

type Call = <T>(request: string, body?: object) => Promise<T | undefined>;

async function readService(call: Call, service: string): Promise<ServiceState> {
  const base = `/api/v1/namespaces/${service}`;
  const [configMap, deployment, object] = await Promise.all([
    call<{ data?: { GREETING?: string } }>(`GET ${base}/configmaps/${service}`),
    call<{ spec: { replicas: number } }>(`GET /apis/apps/v1/namespaces/${service}/deployments/${service}`),
    call<object>(`GET ${base}/services/${service}`),
  ]);
  return { greeting: configMap?.data?.GREETING, replicas: deployment?.spec.replicas, reachable: object !== undefined };
}

/** One request of the API server; undefined for what is not there to be read, an error for what is not there to be changed. */
function createCall({ server, token, dispatcher }: ClusterAccess & { dispatcher: Agent }): Call {
  return async <T>(request: string, body?: object) => {
    const [method = 'GET', path = ''] = request.split(' ');
    const headers = {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body ? { 'content-type': 'application/merge-patch+json' } : {}),
    };
    const init = { method, headers, dispatcher, ...(body ? { body: JSON.stringify(body) } : {}) };
    const response = await fetch(server + path, init).catch((cause: unknown) => {
      throw new FleetError('ClusterUnavailable', `nothing answers at ${server}: is 'npm start' running?`, { cause });
    });
    const text = await response.text();
    if (response.status === 404 && method === 'GET') return undefined;
    if (response.status === 404) throw new FleetError('NotFound', `there is no ${path} to be broken`);
    if (!response.ok) throw new FleetError('Internal', `${request}: ${response.status} ${text.slice(0, 300)}`);
    return JSON.parse(text) as T;
  };
}
