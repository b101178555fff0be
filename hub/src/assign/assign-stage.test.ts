import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RenderOutcome } from '../store/derived.ts';
import { applicationOf, createHubState, type HubState, logger, outcomeOf, repoURL } from '../testing/hub-state.ts';
import { createAssignStage, type PublishedDocument } from './assign-stage.ts';
import { resolve } from './resolve.ts';
import { shardOf } from './shard.ts';

const signal = new AbortController().signal;
const by = { by: 'test' };
let state: HubState;
let stored: Map<string, PublishedDocument>;
let reported: Record<string, number>;
/** Versions of documents that agents say they read. */
let reads: Record<string, number>;
let unexplained: Record<string, string[]>;
/** Called before each publication, as another replica might be. */
let meanwhile: (() => void) | undefined;
let blobs: Map<string, Buffer>;
/** What a rollout pinned: assigned instead of the newest bundle. */
let pinned: string | undefined;

beforeEach(async () => {
  state = await createHubState();
  stored = new Map();
  reported = {};
  reads = {};
  unexplained = {};
  meanwhile = undefined;
  blobs = new Map();
  pinned = undefined;
  const types = { shop: 'Directory', cart: 'Directory', new: 'Directory' } as const;
  await state.derived.putDiscovery({ repoURL, targetRevision: 'main', types });
});

function createReplica() {
  return createAssignStage({
    ...state,
    logger,
    retains: () => false,
    saysAccounts: () => true,
    registration: () => undefined,
    onUnexplained: async (cluster, apps) => {
      if (apps.length > 0) unexplained[cluster] = apps.map(({ app }) => app);
    },
    resolve: (app) => {
      const resolution = resolve(app, { derived: state.derived, project: () => undefined });
      return resolution.app && pinned ? { ...resolution, app: { ...resolution.app, bundle: pinned } } : resolution;
    },
    documents: {
      find: async (cluster) => stored.get(cluster),
      head: (cluster) => stored.get(cluster),
      publish: async (document, expectedSeq) => {
        meanwhile?.();
        if ((stored.get(document.cluster)?.seq ?? 0) !== expectedSeq) throw new FleetError('Conflict', 'too late');
        const published = { document: { ...document, kid: 'k' }, seq: expectedSeq + 1 };
        stored.set(document.cluster, published);
        return published;
      },
    },
    blobs: {
      get: async (digest) => {
        const found = blobs.get(digest);
        if (!found) throw new FleetError('NotFound', `bundle ${digest} is not stored`);
        return found;
      },
    },
    clusters: {
      names: () => ['east', 'west'],
      reportedGeneration: (cluster) => reported[cluster] ?? 0,
      readsDocuments: (cluster) => reads[cluster],
    },
  });
}

function store(digest: string, size = 10): void {
  blobs.set(digest, Buffer.from(Array.from({ length: size }, () => Math.random()).join()));
}

async function render(app: string, digest: string, fields: Partial<RenderOutcome> = {}): Promise<void> {
  if (!blobs.has(digest)) store(digest);
  await state.derived.putRender(outcomeOf(state.applications.find(app)?.request?.key ?? '', digest, fields));
}

async function put(app: string, cluster = 'east'): Promise<void> {
  await state.specs.put(applicationOf(app, { cluster }), by);
  await render(app, `sha256:${app}`);
}

function documentOf(cluster: string): AssignmentDocument | undefined {
  return stored.get(cluster)?.document;
}

const shownIn = (cluster: string) => ({
  gen: documentOf(cluster)?.gen,
  apps: documentOf(cluster)?.apps.map(({ app }) => app),
});

describe('assignment', () => {
  it('publishes what differs, and nothing when nothing does', async () => {
    const stage = createReplica();
    await put('shop');
    await stage.run(shardOf('east'), signal);
    await stage.run(shardOf('east'), signal);
    expect(shownIn('east')).toEqual({ gen: 1, apps: ['shop'] });
    await put('cart');
    await stage.run(shardOf('east'), signal);
    expect(shownIn('east')).toEqual({ gen: 2, apps: ['cart', 'shop'] });
    expect(documentOf('west')).toBeUndefined();
  });

  it('publishes a document that older agents refuse, once anything is to be written as a service account', async () => {
    const stage = createReplica();
    await put('shop');
    await stage.run(shardOf('east'), signal);
    expect(documentOf('east')?.v).toBe(1);
    const data = { 'application.sync.impersonation.enabled': 'true' };
    const metadata = { name: 'argocd-cm', namespace: 'argocd' };
    await state.specs.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, by);
    await stage.run(shardOf('east'), signal);
    expect(documentOf('east')).toMatchObject({
      v: 2,
      gen: 2,
      apps: [{ policy: { actAs: expect.anything() as object } }],
    });
  });

  it('writes what is ignored everywhere once, for an agent that says that it reads that, and as ever for one that is put back', async () => {
    const stage = createReplica();
    const rules = Array.from({ length: 400 }, (_, index) => `/spec/template/metadata/annotations/injected-${index}`);
    const key = 'resource.customizations.ignoreDifferences.apps_Deployment';
    const data = { [key]: JSON.stringify({ jsonPointers: rules }) };
    const metadata = { name: 'argocd-cm', namespace: 'argocd' };
    await state.specs.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, by);
    const published = async () => {
      await stage.run(shardOf('east'), signal);
      return [documentOf('east')?.gen, documentOf('east')?.v];
    };
    for (const app of ['shop', 'cart']) await put(app);
    expect(await published()).toEqual([1, 1]);
    reads['east'] = 3;
    expect(await published()).toEqual([1, 1]);
    await put('new');
    expect(await published()).toEqual([2, 3]);
    expect(documentOf('east')?.apps.map(({ policy }) => policy.ignoreDifferences?.[0]?.jsonPointers)).toEqual([
      rules,
      rules,
      rules,
    ]);
    delete reads['east'];
    expect(await published()).toEqual([2, 3]);
    reads['east'] = 2;
    expect(await published()).toEqual([3, 1]);
    expect(await published()).toEqual([3, 1]);
  });

  it('says nothing to a cluster that is ahead of the hub until its document was taken over, then goes on above it', async () => {
    const stage = createReplica();
    await put('shop');
    reported['east'] = 41;
    await stage.run(shardOf('east'), signal);
    expect(documentOf('east')).toBeUndefined();
    const policy = { syncOptions: [] };
    const held = {
      app: 'theirs',
      ns: '',
      project: 'default',
      revision: 'r1',
      bundle: 'sha256:theirs',
      vars: {},
      policy,
      wave: 0,
    };
    const document: AssignmentDocument = {
      v: 1,
      cluster: 'east',
      gen: 41,
      kid: 'k1',
      issuedAt: '2026-11-25T20:00:00Z',
      apps: [held],
      ops: [],
      tombstones: [],
    };
    stored.set('east', { document, seq: 1 });
    await stage.run(shardOf('east'), signal);
    expect(shownIn('east')).toEqual({ gen: 42, apps: ['shop', 'theirs'] });
    expect(unexplained).toEqual({ east: ['theirs'] });
  });

  it('sees that a document was taken over although it knows an older one', async () => {
    const stage = createReplica();
    await put('shop');
    await stage.run(shardOf('east'), signal);
    reported['east'] = 7;
    await stage.run(shardOf('east'), signal);
    expect(shownIn('east').gen).toBe(1);
    const document = { ...documentOf('east'), gen: 7 } as AssignmentDocument;
    stored.set('east', { document, seq: 1 });
    await put('cart');
    await stage.run(shardOf('east'), signal);
    expect(shownIn('east')).toEqual({ gen: 8, apps: ['cart', 'shop'] });
  });

  it('reads again what another replica published first, and keeps what only that one has', async () => {
    const stage = createReplica();
    await put('shop');
    await stage.run(shardOf('east'), signal);
    const [theirs] = documentOf('east')?.apps ?? [];
    meanwhile = () => {
      meanwhile = undefined;
      const document = {
        ...documentOf('east'),
        gen: 7,
        apps: [theirs, { ...theirs, app: 'theirs' }],
      } as AssignmentDocument;
      stored.set('east', { document, seq: 9 });
    };
    await put('cart');
    await stage.run(shardOf('east'), signal);
    expect(shownIn('east')).toEqual({ gen: 8, apps: ['cart', 'shop', 'theirs'] });
  });

  it('goes on from what it knows when the stream lost the document', async () => {
    const stage = createReplica();
    await put('shop');
    await put('cart');
    await stage.run(shardOf('east'), signal);
    stored.clear();
    await state.specs.delete('Application', 'argocd', 'cart');
    await put('new');
    await stage.run(shardOf('east'), signal);
    expect(shownIn('east')).toEqual({ gen: 2, apps: ['cart', 'new', 'shop'] });
  });

  it('gives up for now when others are always faster', async () => {
    await put('shop');
    const theirs = { v: 1 as const, cluster: 'east', kid: 'k', issuedAt: '', apps: [], ops: [], tombstones: [] };
    let seq = 10;
    meanwhile = () => void stored.set('east', { document: { ...theirs, gen: seq }, seq: (seq += 1) });
    await createReplica().run(shardOf('east'), signal);
    expect(shownIn('east').apps).toEqual([]);
  });

  it('fails, to be tried again, when a document cannot be stored', async () => {
    await put('shop');
    meanwhile = () => {
      throw new FleetError('TransportUnavailable', 'nats is away');
    };
    await expect(createReplica().run(shardOf('east'), signal)).rejects.toMatchObject({ code: 'TransportUnavailable' });
  });

  it.each<{ name: string; outcome?: Partial<RenderOutcome>; pin?: string; size?: number; inline: string[] }>([
    { name: 'small', inline: ['sha256:new'] },
    { name: 'large', size: 20_000, inline: [] },
    { name: 'small, but hold Secrets', outcome: { holdsSecrets: true }, inline: [] },
    { name: 'older ones that a rollout returned to, which may hold Secrets', pin: 'sha256:old', inline: [] },
    {
      name: 'what is left of a render without objects of the hub',
      outcome: { rest: { digest: 'sha256:rest', empty: false } },
      pin: 'sha256:rest',
      inline: ['sha256:rest'],
    },
  ])('says which of the bundles that changed travel in the document: $name', async ({ outcome, pin, size, inline }) => {
    await put('shop');
    for (const digest of ['sha256:old', 'sha256:rest']) store(digest);
    store('sha256:new', size);
    pinned = pin;
    await render('shop', 'sha256:new', outcome);
    await createReplica().run(shardOf('east'), signal);
    expect(documentOf('east')?.apps[0]?.bundle).toBe(pin ?? 'sha256:new');
    expect(Object.keys(documentOf('east')?.inline ?? {})).toEqual(inline);
  });
});
