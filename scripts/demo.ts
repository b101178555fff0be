// `npm run demo -- break CLUSTER [NAME]`: does by hand, on a cluster of `npm start`, what nobody should do.
import { readFile } from 'node:fs/promises';
import { Agent, fetch } from 'undici';
import { accessFile, type ClusterAccess, type ClusterAccesses } from './demo/clusters.ts';
import { demoRoot } from './demo/layout.ts';

async function breakCluster(name: string, service: string): Promise<void> {
  const accesses = JSON.parse(await readFile(accessFile(demoRoot), 'utf8')) as ClusterAccesses;
  const access = accesses[name];
  if (!access) throw new Error(`there is no cluster ${name}: choose one of ${Object.keys(accesses).join(', ')}`);
  const base = `/api/v1/namespaces/${service}`;
  await call(access, `DELETE ${base}/services/${service}`);
  await call(access, `PATCH ${base}/configmaps/${service}`, { data: { GREETING: 'broken by hand' } });
  await call(access, `PATCH /apis/apps/v1/namespaces/${service}/deployments/${service}`, { spec: { replicas: 0 } });
  process.stdout.write(`on ${name}: deleted Service ${service}, edited its ConfigMap, scaled its Deployment to 0\n`);
  const broken = performance.now();
  while ((await greeting(access, service)) !== `hello from ${service}`) {
    if (performance.now() - broken > 30_000)
      throw new Error('it was not healed within 30 s: is automated.selfHeal on?');
  }
  process.stdout.write(`healed ${Math.round(performance.now() - broken)} ms later\n`);
}

async function greeting(access: ClusterAccess, service: string): Promise<string | undefined> {
  const object = (await call(access, `GET /api/v1/namespaces/${service}/configmaps/${service}`)) as {
    data?: { GREETING?: string };
  };
  return object.data?.GREETING;
}

async function call(access: ClusterAccess, request: string, body?: unknown): Promise<unknown> {
  const [method = 'GET', path = ''] = request.split(' ');
  const dispatcher = new Agent(access.caPem ? { connect: { ca: access.caPem } } : {});
  const headers = {
    ...(access.token ? { authorization: `Bearer ${access.token}` } : {}),
    ...(body ? { 'content-type': 'application/merge-patch+json' } : {}),
  };
  const response = await fetch(access.server + path, {
    method,
    headers,
    dispatcher,
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  await dispatcher.close();
  if (!response.ok) throw new Error(`${request}: ${response.status} ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

const [verb, cluster, service = 'checkout'] = process.argv.slice(2);
try {
  if (verb !== 'break' || !cluster) throw new Error('usage: npm run demo -- break CLUSTER [SERVICE]');
  await breakCluster(cluster, service);
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
