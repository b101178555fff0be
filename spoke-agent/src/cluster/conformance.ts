import type { KubeObject, ObjectRef } from '@wheelhouse/shared/kube/object';
import { refOf } from '@wheelhouse/shared/kube/object';
import type { Inventory } from '@wheelhouse/shared/protocol/inventory';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ownedFields } from '../diff/owned-fields.ts';
import { type Cluster, fieldManager, type LiveInventory, type WatchListener } from './cluster.ts';
import { deployerOf, userOf } from './testing/account.ts';
import { widgetsOf } from './testing/widgets.ts';

/* oxlint-disable max-lines-per-function -- a test suite: its length is its number of rows */

/** Plays a controller or kubelet: sets an object's status. */
export type SetStatus = (ref: ObjectRef, status: Record<string, unknown>) => Promise<void>;

/** What every adapter of the port must do; `start` gives a cluster that may be used for many tests. */
export function describeCluster(name: string, start: () => Cluster, setStatus: SetStatus): void {
  describe(`${name} as a Cluster`, () => {
    const signal = new AbortController().signal;
    let cluster: Cluster;
    let namespace: string;

    beforeEach(async () => {
      cluster = start();
      namespace = `test-${Math.random().toString(36).slice(2, 10)}`;
      await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, by());
    });

    const by = (manager = fieldManager) => ({ fieldManager: manager, signal });
    const configMap = (data: Record<string, string>, labels?: Record<string, string>): KubeObject => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace, ...(labels ? { labels } : {}) },
      data,
    });
    const deployment = (containers: unknown[]): KubeObject => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers } },
      },
    });
    const containersOf = (object: KubeObject | undefined) => {
      const spec = object?.['spec'] as { template: { spec: { containers: Record<string, unknown>[] } } } | undefined;
      return spec?.template.spec.containers ?? [];
    };
    const find = async (ref: ObjectRef) => await cluster.find(ref, signal);

    it('creates what is applied, with identity and the fields that the manager owns', async () => {
      const live = await cluster.apply(configMap({ a: '1' }), by());
      expect(live.metadata.uid).toBeTruthy();
      expect(live.metadata.resourceVersion).toBeTruthy();
      expect(ownedFields(live, fieldManager)).toEqual({ 'f:data': { 'f:a': {} } });
      expect((await find(refOf(live)))?.['data']).toEqual({ a: '1' });
    });

    it('changes nothing when the same is applied again', async () => {
      const first = await cluster.apply(configMap({ a: '1' }), by());
      const second = await cluster.apply(configMap({ a: '1' }), by());
      expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    });

    it('removes a field that is applied no longer, and leaves those of others', async () => {
      await cluster.apply(configMap({ mine: '1', gone: '1' }), by());
      await cluster.apply(configMap({ theirs: '2' }), by('someone'));
      const live = await cluster.apply(configMap({ mine: '1' }), by());
      expect(live['data']).toEqual({ mine: '1', theirs: '2' });
    });

    it('takes a conflicting field from its other owner', async () => {
      await cluster.apply(configMap({ a: 'theirs' }), by('someone'));
      const live = await cluster.apply(configMap({ a: 'ours' }), by());
      expect(live['data']).toEqual({ a: 'ours' });
      expect(ownedFields(live, 'someone')).toEqual({});
    });

    it('merges containers by name', async () => {
      await cluster.apply(deployment([{ name: 'app', image: 'a:1' }]), by());
      const mesh = deployment([{ name: 'mesh', image: 'm:1' }]);
      await cluster.apply(mesh, by('mesh'));
      const live = await cluster.apply(
        deployment([{ name: 'app', image: 'a:2', env: [{ name: 'X', value: '1' }] }]),
        by(),
      );
      expect(containersOf(live).map(({ name, image }) => `${String(name)} ${String(image)}`)).toEqual([
        'app a:2',
        'mesh m:1',
      ]);
    });

    it('drops a container that is applied no longer', async () => {
      const app = { name: 'app', image: 'a:1' };
      await cluster.apply(deployment([app, { name: 'old', image: 'o:1' }]), by());
      const live = await cluster.apply(deployment([app]), by());
      expect(containersOf(live).map(({ name }) => name)).toEqual(['app']);
    });

    it('raises the generation with the spec and not with a label', async () => {
      const first = await cluster.apply(deployment([{ name: 'app', image: 'a:1' }]), by());
      const manifest = deployment([{ name: 'app', image: 'a:1' }]);
      const labelled = await cluster.apply(
        { ...manifest, metadata: { ...manifest.metadata, labels: { x: 'y' } } },
        by(),
      );
      const changed = await cluster.apply(deployment([{ name: 'app', image: 'a:2' }]), by());
      expect(labelled.metadata.generation).toBe(first.metadata.generation);
      expect(changed.metadata.generation).toBe((first.metadata.generation ?? 0) + 1);
    });

    it('stores nothing in a dry run and answers with what would be', async () => {
      await cluster.apply(configMap({ a: '1' }), by());
      const dry = await cluster.apply(configMap({ a: '2' }), { ...by(), dryRun: true });
      expect(dry['data']).toEqual({ a: '2' });
      expect((await find(refOf(dry)))?.['data']).toEqual({ a: '1' });
    });

    it.each([
      ['an immutable field', 'ApplyFailed', /immutable/],
      ['a namespace that does not exist', 'NotFound', /namespaces "nowhere" not found/],
      ['a kind that is not served', 'NotFound', /does not serve example.com\/v1\/Nothing/],
    ])('refuses %s with its reason', async (row, code, message) => {
      await cluster.apply(deployment([{ name: 'app', image: 'a:1' }]), by());
      const changed = deployment([{ name: 'app', image: 'a:1' }]);
      (changed['spec'] as { selector: unknown }).selector = { matchLabels: { app: 'other' } };
      const bad: Record<string, KubeObject> = {
        'an immutable field': changed,
        'a namespace that does not exist': { ...configMap({}), metadata: { name: 'x', namespace: 'nowhere' } },
        'a kind that is not served': {
          apiVersion: 'example.com/v1',
          kind: 'Nothing',
          metadata: { name: 'x', namespace },
        },
      };
      await expect(cluster.apply(bad[row] as KubeObject, by())).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message) as string,
      });
    });

    it('removes, and says when there was nothing to remove', async () => {
      const live = await cluster.apply(configMap({ a: '1' }), by());
      const options = { propagation: 'Background', signal } as const;
      expect(await cluster.remove(refOf(live), { ...options, uid: '00000000-0000-4000-8000-000000000000' })).toBe(
        false,
      );
      expect(await cluster.remove(refOf(live), { ...options, uid: live.metadata.uid ?? '' })).toBe(true);
      await vi.waitFor(async () => expect(await find(refOf(live))).toBeUndefined(), { timeout: 5_000 });
      expect(await cluster.remove(refOf(live), options)).toBe(false);
    });

    it('keeps an object with a finalizer until that goes', async () => {
      const held = configMap({ a: '1' });
      held.metadata.finalizers = ['example.com/hold'];
      const live = await cluster.apply(held, by());
      await cluster.remove(refOf(live), { propagation: 'Background', signal });
      expect((await find(refOf(live)))?.metadata.deletionTimestamp).toBeTruthy();
      await cluster.apply(configMap({ a: '1' }), by());
      await vi.waitFor(async () => expect(await find(refOf(live))).toBeUndefined(), { timeout: 5_000 });
    });

    it('acts as a service account with its rights alone, and names it where they do not suffice', async () => {
      const as = { ...by(), actAs: userOf(namespace) };
      const removal = { propagation: 'Background', actAs: userOf(namespace), signal } as const;
      const forbidden = (verb: string, kind: string) => ({
        code: 'Forbidden',
        message: expect.stringMatching(
          `${kind} "[a-z]+" is forbidden: User "${userOf(namespace)}" cannot ${verb}`,
        ) as string,
      });
      await cluster.apply(configMap({ a: '1' }), by());
      await expect(cluster.apply(configMap({ a: '2' }), as)).rejects.toMatchObject(forbidden('patch', 'configmaps'));
      await expect(cluster.remove(refOf(configMap({})), removal)).rejects.toMatchObject(
        forbidden('delete', 'configmaps'),
      );
      for (const object of deployerOf(namespace)) await cluster.apply(object, by());
      // an API server learns of roles a moment later
      await vi.waitFor(async () => await cluster.apply(configMap({ a: '2' }), as), { timeout: 10_000, interval: 50 });
      expect((await find(refOf(configMap({}))))?.['data']).toEqual({ a: '2' });
      const elsewhere: KubeObject = { ...configMap({ a: '1' }), metadata: { name: 'elsewhere', namespace: 'default' } };
      await expect(cluster.apply(elsewhere, as)).rejects.toMatchObject(forbidden('patch', 'configmaps'));
      await expect(cluster.apply(elsewhere, { ...as, dryRun: true })).rejects.toMatchObject({ code: 'Forbidden' });
      expect(await find(refOf(elsewhere))).toBeUndefined();
      expect(await cluster.remove(refOf(configMap({})), removal)).toBe(true);
    });

    it('lists all namespaces, each item with apiVersion and kind', async () => {
      await cluster.apply(configMap({ a: '1' }), by());
      const found: KubeObject[] = [];
      for await (const object of cluster.list({ group: '', version: 'v1', kind: 'ConfigMap' }, signal))
        found.push(object);
      const mine = found.find(({ metadata }) => metadata.namespace === namespace && metadata.name === 'settings');
      expect(mine).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } });
    });

    it('lists the metadata of one namespace, and nothing else of it', async () => {
      const live = await cluster.apply(configMap({ a: '1' }), by());
      const found: KubeObject[] = [];
      for await (const object of cluster.listMetadata(
        { group: '', version: 'v1', kind: 'ConfigMap' },
        namespace,
        signal,
      ))
        found.push(object);
      const mine = found.filter(({ metadata }) => metadata.name === 'settings');
      expect(mine).toEqual([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: live.metadata }]);
      expect(found.every(({ metadata }) => metadata.namespace === namespace)).toBe(true);
    });

    it('watches from a complete list on, in order', async () => {
      const existing = await cluster.apply(configMap({ a: '1' }), by());
      const stop = new AbortController();
      const { listener, seen } = recorder(namespace);
      const watching = cluster.watch({ group: '', version: 'v1', kind: 'ConfigMap' }, listener, stop.signal);
      await vi.waitFor(() => expect(seen).toContain('connected'), { timeout: 5_000 });
      await cluster.apply(configMap({ a: '2' }), by());
      await cluster.remove(refOf(existing), { propagation: 'Background', signal });
      await vi.waitFor(() => expect(seen).toContain('removed settings'), { timeout: 5_000 });
      expect(seen).toEqual(['listing', 'changed 1', 'listed', 'connected', 'changed 2', 'removed settings']);
      stop.abort();
      await watching;
    });

    it('serves a kind once its definition is applied', async () => {
      const group = `w${namespace.slice(5)}.example.com`;
      const { definition, widget: unplaced } = widgetsOf(group);
      const widget = { ...unplaced, metadata: { ...unplaced.metadata, namespace } };
      const kind = { group, version: 'v1', kind: 'Widget' };
      expect(await cluster.findResource(kind, signal)).toBeUndefined();
      await cluster.apply(definition, by());
      await vi.waitFor(
        async () =>
          expect(await cluster.findResource(kind, signal)).toMatchObject({ plural: 'widgets', namespaced: true }),
        { timeout: 10_000, interval: 300 },
      );
      await vi.waitFor(async () => await cluster.apply(widget, by()), { timeout: 10_000, interval: 200 });
      expect((await find(refOf(widget)))?.['spec']).toEqual({ size: 1 });
    });

    it('knows its version and identity, and the same one each time', async () => {
      const info = await cluster.info(signal);
      expect(info.kubernetesVersion).toMatch(/^v\d+\.\d+/);
      expect(info.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(await cluster.info(signal)).toEqual(info);
    });

    describe('its inventory', () => {
      let stop: AbortController;
      let inventory: LiveInventory;
      const current = () => inventory.current() as Inventory;
      const shows = async (assert: () => void) => await vi.waitFor(assert, { timeout: 10_000, interval: 20 });

      beforeEach(async () => {
        stop = new AbortController();
        inventory = cluster.followInventory(stop.signal);
        await shows(() => expect(inventory.current()).toBeDefined());
        return () => stop.abort();
      });

      it('follows Nodes, and counts on those only that take Pods', async () => {
        const before = current();
        const node: KubeObject = { apiVersion: 'v1', kind: 'Node', metadata: { name: namespace } };
        await cluster.apply(node, by());
        await shows(() => expect(current().nodes).toBe(before.nodes + 1));
        const allocatable = { cpu: '3500m', memory: '1Gi' };
        await setStatus(refOf(node), { allocatable, conditions: [{ type: 'Ready', status: 'False' }] });
        expect(current().allocatable).toEqual(before.allocatable);
        await setStatus(refOf(node), { allocatable, conditions: [{ type: 'Ready', status: 'True' }] });
        const more = {
          cpuMillis: before.allocatable.cpuMillis + 3_500,
          memoryBytes: before.allocatable.memoryBytes + 2 ** 30,
        };
        await shows(() => expect(current().allocatable).toEqual(more));
        await cluster.apply({ ...node, spec: { unschedulable: true } }, by());
        await shows(() => expect(current().allocatable).toEqual(before.allocatable));
        await cluster.remove(refOf(node), { propagation: 'Background', signal });
        await shows(() => expect(current().nodes).toBe(before.nodes));
      });

      it('counts what Pods ask for until they are finished or gone', async () => {
        const before = current().requested;
        const pods = ['ends', 'goes'].map((name) => pod(name, namespace));
        await cluster.apply(
          { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
          by(),
        );
        for (const one of pods) await cluster.apply(one, by());
        const plus = (count: number) => ({
          cpuMillis: before.cpuMillis + 250 * count,
          memoryBytes: before.memoryBytes + 2 ** 20 * count,
        });
        await shows(() => expect(current().requested).toEqual(plus(2)));
        await setStatus(refOf(pods[0] as KubeObject), { phase: 'Succeeded' });
        await shows(() => expect(current().requested).toEqual(plus(1)));
        await cluster.remove(refOf(pods[1] as KubeObject), { propagation: 'Background', signal });
        await shows(() => expect(current().requested).toEqual(plus(0)));
      });

      it('names the API groups that are served, those of definitions as they come', async () => {
        const group = `g${namespace.slice(5)}.example.com`;
        expect(current().apiGroups).toEqual(expect.arrayContaining(['apps', 'batch']));
        expect(current().apiGroups).not.toContain('');
        expect(current().apiGroups).not.toContain(group);
        await cluster.apply(widgetsOf(group).definition, by());
        await shows(() => expect(current().apiGroups).toContain(group));
        expect(current().apiGroups).toEqual([...new Set(current().apiGroups)].sort());
      });

      it('knows the version and has no problem', async () => {
        const { kubernetesVersion } = await cluster.info(signal);
        await shows(() => expect(inventory.kubernetesVersion()).toBe(kubernetesVersion));
        expect(inventory.problem()).toBeUndefined();
      });
    });

    it('lists what it serves', async () => {
      const resources = await cluster.resources(signal);
      expect(resources).toContainEqual(
        expect.objectContaining({
          group: 'apps',
          version: 'v1',
          kind: 'Deployment',
          plural: 'deployments',
          namespaced: true,
        }),
      );
      expect(resources.find(({ kind, group }) => kind === 'Namespace' && group === '')?.namespaced).toBe(false);
    });

    it('stops at once when the signal aborted', async () => {
      await expect(cluster.apply(configMap({}), { fieldManager, signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'Aborted',
      });
    });
  });
}

function recorder(namespace: string): { listener: WatchListener; seen: string[] } {
  const seen: string[] = [];
  const mine = (object: KubeObject) => object.metadata.namespace === namespace && object.metadata.name === 'settings';
  const listener: WatchListener = {
    listing: () => void seen.push('listing'),
    listed: () => void seen.push('listed'),
    connected: () => void seen.push('connected'),
    failed: (error) => void seen.push(`failed ${error.code}`),
    changed: (object) => void (mine(object) && seen.push(`changed ${(object['data'] as { a: string }).a}`)),
    removed: (object) => void (mine(object) && seen.push(`removed ${object.metadata.name}`)),
  };
  return { listener, seen };
}

function pod(name: string, namespace: string): KubeObject {
  const resources = { requests: { cpu: '250m', memory: '1Mi' } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: { automountServiceAccountToken: false, containers: [{ name: 'main', image: 'main:1', resources }] },
  };
}
