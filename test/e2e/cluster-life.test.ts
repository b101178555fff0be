// A cluster's name, its way out of the fleet and back: a whole hub, real agents over simulated clusters.
import { join } from 'node:path';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { startGitServer } from '../support/git-server.ts';
import { type HollowSpoke, startHollowSpoke } from '../support/hollow-spoke.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const stack = new AsyncDisposableStack();
const within = { timeoutMs: 60_000, intervalMs: 50 };
const configMaps = { group: '', version: 'v1', kind: 'ConfigMap' };
let platform: Platform;
let url: string;

beforeAll(async () => {
  const git = stack.use(await startGitServer());
  const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n';
  url = (await git.createRepository('shop', { 'app/settings.yaml': manifest })).url;
  platform = stack.use(await startPlatform({ hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
});
afterAll(async () => await stack.disposeAsync());

const clusterPath = (name: string) => `/api/v1/fleet/clusters/${name}`;

async function newToken(cluster: string, fields: object = {}): Promise<string> {
  return (await platform.api<{ token: string }>('POST', '/api/v1/fleet/tokens', { cluster, ...fields })).token;
}

async function joinAs(name: string, heartbeatMs = 300): Promise<HollowSpoke> {
  return stack.use(
    await startHollowSpoke({ name, token: await newToken(name), dir: join(platform.dir, 'spokes'), heartbeatMs }),
  );
}

const application = (name: string, cluster: string) => `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: ${name}, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: default
  source: {repoURL: ${url}, path: app, targetRevision: main}
  destination: {name: ${cluster}, namespace: default}
  syncPolicy: {automated: {prune: true, selfHeal: true}}
`;

async function live(spoke: HollowSpoke): Promise<KubeObject[]> {
  return await Array.fromAsync(spoke.cluster.list(configMaps, AbortSignal.timeout(60_000)));
}

async function uidsOf(spoke: HollowSpoke): Promise<(string | undefined)[]> {
  return (await live(spoke)).map(({ metadata }) => metadata.uid);
}

interface ShownCluster {
  state: string;
  lastSeenAt?: string;
  formerNames?: string[];
  generation?: number;
}

async function stateOf(name: string): Promise<ShownCluster> {
  return await platform.api('GET', clusterPath(name));
}

async function isGone(name: string): Promise<void> {
  await eventually(async () => await expect(stateOf(name)).rejects.toThrow(/404/), within);
}

async function deploy(name: string, spoke: HollowSpoke): Promise<(string | undefined)[]> {
  await platform.apply(application(name, spoke.name));
  await eventually(async () => expect(await live(spoke)).toHaveLength(1), within);
  return await uidsOf(spoke);
}

async function undeploy(name: string): Promise<void> {
  await platform.api('DELETE', `/api/v1/applications/${name}?cascade=false`);
  await whenSettled(platform, { names: [] });
}

describe('a renamed cluster', () => {
  it('goes on with the same workloads, and destinations that use its old name still mean it', async () => {
    const spoke = await joinAs('old-name');
    const uids = await deploy('renamed', spoke);
    await whenSettled(platform, { names: ['renamed'] });
    const before = await stateOf('old-name');
    await platform.api('POST', `${clusterPath('old-name')}/rename`, { name: 'new-name' });
    await eventually(
      async () => expect(await stateOf('new-name')).toMatchObject({ state: 'Connected', formerNames: ['old-name'] }),
      within,
    );
    await expect(stateOf('old-name')).rejects.toThrow(/404/);
    const [shown] = await eventually(async () => await whenSettled(platform, { names: ['renamed'] }), within);
    expect(shown?.fleet).toMatchObject({ cluster: 'new-name' });
    expect((await stateOf('new-name')).generation).toBeGreaterThan(before.generation ?? 0);
    await spoke.cluster.remove(
      { ...configMaps, namespace: 'default', name: 'settings' },
      {
        propagation: 'Background',
        signal: AbortSignal.timeout(60_000),
      },
    );
    // it heals under its new name
    await eventually(async () => expect(await live(spoke)).toHaveLength(1), within);
    expect(await uidsOf(spoke)).not.toEqual(uids);
    await expect(newToken('old-name')).rejects.toThrow(/409.*was the name of new-name/);
    // and back
    const healed = await uidsOf(spoke);
    await platform.api('POST', `${clusterPath('new-name')}/rename`, { name: 'old-name' });
    await eventually(
      async () => expect(await stateOf('old-name')).toMatchObject({ state: 'Connected', formerNames: ['new-name'] }),
      within,
    );
    await eventually(async () => await whenSettled(platform, { names: ['renamed'] }), within);
    expect(await uidsOf(spoke)).toEqual(healed);
    await undeploy('renamed');
  });

  it('is known as it was before its agent has followed', async () => {
    const spoke = await joinAs('slow', 3_600_000);
    await deploy('waiting', spoke);
    await whenSettled(platform, { names: ['waiting'] });
    const { lastSeenAt } = await stateOf('slow');
    for (const [from, to] of [
      ['slow', 'slow-2'],
      ['slow-2', 'slow'],
    ] as const) {
      await platform.api('POST', `${clusterPath(from)}/rename`, { name: to });
      const [app] = await whenSettled(platform, { names: ['waiting'] });
      expect(app?.fleet).toMatchObject({ cluster: to, stale: false });
      expect(await stateOf(to)).toMatchObject({ state: 'Connected', lastSeenAt, formerNames: [from] });
      // it heals, and reports that under the name that it had when it joined
      const [removedAt, removal] = [
        Date.now(),
        { propagation: 'Background' as const, signal: AbortSignal.timeout(5_000) },
      ];
      await spoke.cluster.remove({ ...configMaps, namespace: 'default', name: 'settings' }, removal);
      await eventually(async () => {
        const [shown] = await whenSettled(platform, { names: ['waiting'] });
        expect(shown?.fleet).toMatchObject({ cluster: to, stale: false });
        expect(Date.parse(shown?.fleet?.observedAt ?? '')).toBeGreaterThan(removedAt);
      }, within);
    }
    await undeploy('waiting');
  });

  it('cannot take a name that is in use', async () => {
    await joinAs('first');
    await joinAs('second');
    await expect(platform.api('POST', `${clusterPath('first')}/rename`, { name: 'second' })).rejects.toThrow(
      /409.*is taken/,
    );
  });
});

describe('a cluster that leaves', () => {
  it('keeps its workloads when told so, and takes them up again, the same ones, when it comes back', async () => {
    const spoke = await joinAs('keeper');
    const uids = await deploy('kept', spoke);
    await whenSettled(platform, { names: ['kept'] });
    await platform.api('DELETE', `${clusterPath('keeper')}?workloads=keep`);
    await isGone('keeper');
    expect(await uidsOf(spoke)).toEqual(uids);
    await spoke.restart(await newToken('keeper'));
    await whenSettled(platform, { names: ['kept'] });
    expect(await uidsOf(spoke)).toEqual(uids);
    await undeploy('kept');
  });

  it('lets go of its workloads when told so, and is forgotten after that', async () => {
    const spoke = await joinAs('leaver');
    await deploy('taken', spoke);
    await platform.api('DELETE', `${clusterPath('leaver')}?workloads=remove`);
    await isGone('leaver');
    expect(await live(spoke)).toEqual([]);
    await eventually(async () => {
      const { status } = await platform.api<{ status: { conditions?: object[] } }>('GET', '/api/v1/applications/taken');
      expect(JSON.stringify(status.conditions)).toContain('goes to a cluster with name');
    }, within);
    await platform.api('DELETE', '/api/v1/applications/taken?cascade=false');
  });

  it('that is revoked is forgotten only when somebody insists, and keeps what it runs', async () => {
    const spoke = await joinAs('outcast');
    const uids = await deploy('stays', spoke);
    await platform.api('POST', `${clusterPath('outcast')}/revoke`, { reason: 'test' });
    await expect(platform.api('DELETE', `${clusterPath('outcast')}?workloads=keep`)).rejects.toThrow(/409.*--force/);
    await expect(platform.api('DELETE', `${clusterPath('outcast')}?workloads=remove&force=true`)).rejects.toThrow(
      /409.*cannot be removed now/,
    );
    await platform.api('DELETE', `${clusterPath('outcast')}?workloads=keep&force=true`);
    await isGone('outcast');
    expect(await uidsOf(spoke)).toEqual(uids);
    await spoke.restart(await newToken('outcast'));
    await whenSettled(platform, { names: ['stays'] });
    expect(await uidsOf(spoke)).toEqual(uids);
  });
});
