// `npm start -- --kubernetes --jaeger`: the demo on three real API servers, each commit with its trace in a real Jaeger.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Demo, openDemo } from '../support/demo.ts';
import { eventually } from '../support/eventually.ts';
import { createKubeRequests, type KubeJson } from '../support/kube-request.ts';
import { processesWith, type Terminal } from '../support/terminal.ts';

const settled = /all Healthy \d+\.\d s after the start/;
let demo: Demo;
let terminal: Terminal;

beforeAll(async () => {
  demo = await openDemo();
  terminal = await demo.start('npm start -- --kubernetes --jaeger', settled);
});
afterAll(async () => await demo?.[Symbol.asyncDispose]());

/** Asks an API server by the kubeconfig that the terminal names. */
async function ask(cluster: string, path: string): Promise<KubeJson> {
  const [, pattern = ''] = /kubeconfigs +(\S+)/.exec(terminal.output()) ?? [];
  const kubeconfig: KubeJson = JSON.parse(await readFile(join(demo.dir, pattern.replace('*', cluster)), 'utf8'));
  const { server, 'certificate-authority-data': ca } = kubeconfig.clusters[0].cluster;
  const { token } = kubeconfig.users[0].user;
  await using requests = createKubeRequests({ server, caPem: Buffer.from(ca, 'base64').toString(), token });
  return await requests.request('GET', path);
}

test('Deployments have running Pods, and the table says so', async () => {
  expect(terminal.output()).toContain('starting three Kubernetes API servers and their agents\n');
  expect(terminal.output()).toMatch(/storefront-us-west +us-west +Synced +Healthy +\d+[sm] ago/);
  const { items } = await ask('us-west', '/api/v1/namespaces/storefront/pods');
  expect(items.map((pod: KubeJson) => pod.status.phase)).toEqual(['Running', 'Running', 'Running']);
});

test('a commit rolls out, and Jaeger has its trace over hub and agents', async () => {
  await demo.shell(`
    sed -i 's/replicas: 2/replicas: 4/' .wheelhouse/shop/services/checkout/manifests.yaml
    git -C .wheelhouse/shop commit -qam 'Scale checkout' && git -C .wheelhouse/shop push -q
  `);
  const sha = (await demo.shell('git -C .wheelhouse/shop rev-parse HEAD')).trim();
  await eventually(
    async () => {
      const { status } = await ask('us-east', '/apis/apps/v1/namespaces/checkout/deployments/checkout');
      expect(status.readyReplicas).toBe(4);
    },
    { timeoutMs: 60_000, intervalMs: 250 },
  );
  await eventually(async () => expect(await demo.shell('npm run --silent demo -- trace')).toMatch(traceOf(sha)), {
    timeoutMs: 60_000,
    intervalMs: 1_000,
  });
});

/** Every stage, each below the one before it. */
function traceOf(sha: string): RegExp {
  const stages = ['hub +source.fetch', 'hub +app.render', 'hub +cluster.assign', 'us-(east|west) +spoke.receive'];
  const after = ['us-(east|west) +app.apply', 'us-(east|west) +app.healthy', 'hub +status.recorded'];
  return new RegExp(
    `^trace of ${sha.slice(0, 7)}, ${[...stages, ...after].map((stage) => `(?=[^]*${stage})`).join('')}`,
  );
}

test('what is broken by hand heals', async () => {
  expect(await demo.shell('npm run demo -- break us-east')).toMatch(/\nhealed \d+ ms later\n$/);
});

test('Ctrl-C leaves nothing, in memory neither', async () => {
  const [data = ''] = /\/\S+\/wheelhouse-kube-\w+/.exec((await processesWith(demo.dir)).join('\n')) ?? [];
  expect(existsSync(data)).toBe(true);
  terminal.interrupt();
  expect(await terminal.ended).toBe(0);
  await demo.whenGone();
  expect(existsSync(data)).toBe(false);
});
