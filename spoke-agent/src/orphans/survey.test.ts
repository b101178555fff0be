import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { formatTrackingId, type KubeObject, refOf, trackingAnnotation } from '@wheelhouse/shared/kube/object';
import { maxOrphanBytes, maxOrphans, type OrphanPolicy } from '@wheelhouse/shared/protocol/orphans';
import { beforeEach, describe, expect, it } from 'vitest';
import { fieldManager } from '../cluster/cluster.ts';
import { createMemoryCluster, type MemoryCluster } from '../cluster/memory/memory.ts';
import { compileRules } from './orphan-rules.ts';
import { surveyNamespaces } from './survey.ts';

const { signal } = new AbortController();
let cluster: MemoryCluster;
let fails: (kind: string) => FleetError | undefined;

beforeEach(async () => {
  fails = () => undefined;
  cluster = createMemoryCluster(
    {},
    { intercept: (verb, ref) => (verb === 'list' ? fails(ref?.kind ?? '') : undefined) },
  );
  for (const name of ['shop', 'other']) await put('v1 Namespace', name, { namespace: undefined });
});

interface Extra {
  namespace?: string | undefined;
  app?: string;
  metadata?: Record<string, unknown>;
}

/** `type` as `apps/v1 Deployment`. */
async function put(type: string, name: string, extra: Extra = {}): Promise<KubeObject> {
  const [apiVersion = '', kind = ''] = type.split(' ');
  const namespace = 'namespace' in extra ? extra.namespace : 'shop';
  const object: KubeObject = {
    apiVersion,
    kind,
    metadata: { name, ...(namespace ? { namespace } : {}), ...extra.metadata },
  };
  if (extra.app) object.metadata.annotations = { [trackingAnnotation]: formatTrackingId(extra.app, refOf(object)) };
  if (kind === 'Deployment' || kind === 'StatefulSet')
    object['spec'] = {
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [] } },
    };
  return await cluster.apply(object, { fieldManager, signal });
}

async function survey(policy: Partial<OrphanPolicy> = {}, keys: string[] = []) {
  const rules = new Map([['team', compileRules({ ignore: [], denied: [], ...policy })]]);
  const claims = { apps: new Set(['web', 'cart']), keys: new Set(keys) };
  const found = await surveyNamespaces({ cluster, claims }, [{ namespace: 'shop', rules }], signal);
  const report = found.get('shop')?.get('team');
  return { ...report, names: report?.items.map(({ kind, name }) => `${kind} ${name}`).sort() };
}

describe('a survey of a namespace', () => {
  it('finds what is on top of it and part of no Application', async () => {
    await put('v1 ConfigMap', 'left-over');
    await put('apps/v1 Deployment', 'debug');
    await put('v1 ConfigMap', 'elsewhere', { namespace: 'other' });
    await put('v1 ServiceAccount', 'default');
    expect(await survey()).toMatchObject({ total: 2, names: ['ConfigMap left-over', 'Deployment debug'] });
  });

  it.each<[string, Extra, string[]]>([
    ['tracked by an Application of whatever project', { app: 'cart' }, []],
    ['desired by one, though it is not tracked yet', {}, ['/ConfigMap:shop/thing']],
    [
      'owned by another object',
      { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '1' }] } },
      [],
    ],
  ])('leaves out what is %s', async (_name, extra, keys) => {
    await put('v1 ConfigMap', 'thing', extra);
    expect(await survey({}, keys)).toMatchObject({ total: 0, items: [] });
  });

  it.each<[string, Extra]>([
    ['tracked by an Application that is not here any more', { app: 'gone' }],
    [
      'a copy that carries the tracking id of another object',
      { metadata: { annotations: { [trackingAnnotation]: 'web:/ConfigMap:shop/original' } } },
    ],
  ])('finds what is %s', async (_name, extra) => {
    await put('v1 ConfigMap', 'thing', extra);
    expect(await survey()).toMatchObject({ names: ['ConfigMap thing'] });
  });

  it('knows volumes of a StatefulSet and tokens of an account as theirs, although nothing owns them', async () => {
    await put('apps/v1 StatefulSet', 'my-db', { app: 'web' });
    for (const name of ['data-my-db-0', 'wal-logs-my-db-12', 'data-db-0', 'data-my-db-x', 'my-db-0'])
      await put('v1 PersistentVolumeClaim', name);
    await put('v1 Secret', 'token', {
      metadata: { annotations: { 'kubernetes.io/service-account.name': 'default' } },
    });
    const names = [
      'PersistentVolumeClaim data-db-0',
      'PersistentVolumeClaim data-my-db-x',
      'PersistentVolumeClaim my-db-0',
    ];
    expect(await survey()).toMatchObject({ names });
    expect(await survey({ denied: [{ group: 'apps', kind: 'StatefulSet' }] })).toMatchObject({ names });
  });

  it('counts all and names as many as a status may carry', async () => {
    for (let index = 0; index < maxOrphans + 20; index += 1) await put('v1 ConfigMap', `c${index}`);
    const many = await survey();
    expect([many.total, many.items?.length]).toEqual([maxOrphans + 20, maxOrphans]);
    for (let index = 0; index < maxOrphans; index += 1) await put('v1 Secret', `${'s'.repeat(240)}${index}`);
    const long = await survey({ denied: [{ group: '', kind: 'ConfigMap' }] });
    expect(long.total).toBe(maxOrphans);
    expect(JSON.stringify(long.items).length).toBeLessThan(maxOrphanBytes + maxOrphans + 2);
  });

  it('says which kinds it may not list, and tells of the others', async () => {
    await put('v1 ConfigMap', 'left-over');
    await put('v1 Secret', 'hidden');
    fails = (kind) =>
      kind === 'Secret' ? new FleetError('Forbidden', 'list Secret: secrets is forbidden') : undefined;
    expect(await survey()).toMatchObject({
      names: ['ConfigMap left-over'],
      problem:
        'cannot list secrets in namespace shop: let the role of the agent list them: list Secret: secrets is forbidden',
    });
  });

  it('lists nothing that no project asks about', async () => {
    const before = cluster.requests.list;
    await survey({ permitted: [{ group: '', kind: 'ConfigMap' }] });
    // the StatefulSets tell whose volumes there are
    expect(cluster.requests.list - before).toBe(2);
  });

  it('says that it could not look at all, and does not take that for nothing found', async () => {
    fails = () => new FleetError('ClusterUnavailable', 'the API server cannot be reached');
    await expect(survey()).rejects.toMatchObject({ code: 'ClusterUnavailable' });
  });
});
