// `npm run demo -- break CLUSTER [SERVICE]`: does by hand, on a cluster of `npm start`, what nobody should do.
// `npm run demo -- trace`: shows the trace of the last commit, when the demo was started with --jaeger.
import { readFile } from 'node:fs/promises';
import { FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { breakAndWatch } from './demo/break.ts';
import { accessFile, type ClusterAccess, type ClusterAccesses } from './demo/clusters.ts';
import { demoRoot, tracesFile } from './demo/layout.ts';
import { formatTrace, readLastTrace } from './demo/trace.ts';

async function findAccess(name: string): Promise<ClusterAccess> {
  const text = await readFile(accessFile(demoRoot), 'utf8').catch((cause: unknown) => {
    throw new FleetError('NotFound', `no demo has run here: begin with 'npm start'`, { cause });
  });
  const accesses = JSON.parse(text) as ClusterAccesses;
  const access = accesses[name];
  if (access) return access;
  throw new FleetError('NotFound', `there is no cluster ${name}: choose one of ${Object.keys(accesses).join(', ')}`);
}

async function breakCluster(name: string, service = 'checkout'): Promise<void> {
  const said = `on ${name}: edited the ConfigMap of ${service}, deleted its Service, scaled its Deployment to 0\n`;
  const onBroken = () => process.stdout.write(said);
  const tookMs = await breakAndWatch(await findAccess(name), service, { onBroken, timeoutMs: 30_000 });
  process.stdout.write(`healed ${Math.round(tookMs)} ms later\n`);
}

async function showTrace(): Promise<void> {
  const queryUrl = await readFile(tracesFile(demoRoot), 'utf8').catch(() => '');
  if (queryUrl === '')
    throw new FleetError('NotFound', `this demo keeps no traces: start it with 'npm start -- --jaeger'`);
  process.stdout.write(formatTrace(await readLastTrace(queryUrl)));
}

async function main([verb, name, service]: string[]): Promise<void> {
  if (verb === 'break' && name) return await breakCluster(name, service);
  if (verb === 'trace') return await showTrace();
  throw new FleetError('Invalid', 'usage: npm run demo -- break CLUSTER [SERVICE], npm run demo -- trace');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`demo: ${toFleetError(error).message}\n`);
  process.exitCode = 1;
}
