import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCommands } from '@wheelhouse/hub/fleet/commands';
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { AssignedApp, AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import { createAgent } from '@wheelhouse/spoke-agent/agent';
import { createMemoryCluster } from '@wheelhouse/spoke-agent/cluster/memory/memory';
import { createLink } from '@wheelhouse/spoke-agent/link/link';
import { eventually } from '@wheelhouse/test/support/eventually';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentOf, logger } from './transport-fixture.ts';
import { type FleetFixture, startFleetFixture } from './transport-fleet.ts';

let fixture: FleetFixture;
const signal = new AbortController().signal;

beforeAll(async () => {
  fixture = await startFleetFixture({ tls: true });
});
afterAll(async () => await fixture?.[Symbol.asyncDispose]());

/** Publishes an Application of one ConfigMap. */
async function assign(cluster: string, gen: number, value: string): Promise<void> {
  const manifests: KubeObject[] = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { value } },
  ];
  const content = Buffer.from(canonicalJson(manifests));
  const bundle = digestOf(content);
  await fixture.stores.blobs.put(bundle, content);
  const app: AssignedApp = {
    app: 'shop',
    ns: 'default',
    project: 'default',
    revision: value,
    bundle,
    vars: {},
    policy: { automated: { prune: true, selfHeal: true, allowEmpty: false }, syncOptions: [] },
    wave: 0,
  };
  const fields: Partial<AssignmentDocument> & { cluster: string; gen: number } = { cluster, gen, apps: [app] };
  const stored = await fixture.stores.documents.find(cluster);
  await fixture.stores.documents.publish(documentOf(fixture.transport.authority, fields), stored?.seq ?? 0);
}

const settings = { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'settings' };

describe('an agent', () => {
  it('applies what is published, reports it, answers questions, and heals from disk while the hub is away', async () => {
    const identity = await fixture.join('whole');
    const stateDir = join(fixture.transport.directory, 'whole');
    await using cluster = createMemoryCluster({}, { uid: 'uid-whole' });
    const info = await cluster.info(signal);
    const valueOf = async () =>
      ((await cluster.find(settings, signal))?.['data'] as { value?: string } | undefined)?.value;
    await assign('whole', 1, 'one');
    {
      await using link = createLink({ identity, logger }, { uid: info.uid });
      await using agent = await createAgent(
        { cluster, link, logger },
        { stateDir, info, agentVersion: '1.0.0', heartbeatMs: 250 },
      );
      await eventually(() =>
        expect(fixture.statuses.get('whole/shop')).toMatchObject({ sync: 'Synced', revision: 'one', gen: 1 }),
      );
      await assign('whole', 2, 'two');
      await eventually(() =>
        expect(fixture.statuses.get('whole/shop')).toMatchObject({ sync: 'Synced', revision: 'two', gen: 2 }),
      );
      expect(await valueOf()).toBe('two');
      expect(agent.appliedGen()).toBe(2);
      await eventually(() =>
        expect(fixture.clusters.find('whole')).toMatchObject({ appliedGeneration: 2, agentVersion: '1.0.0' }),
      );
      const diff = await createCommands(fixture.transport).diff('whole', 'shop', signal);
      expect(diff).toEqual([]);
    }
    cluster.edit(settings, (object) => ({ ...object, data: { value: 'by hand' } }));
    const cutOff = { ...identity, membership: () => ({ ...identity.membership()!, natsUrls: ['tls://127.0.0.1:1'] }) };
    await using link = createLink({ identity: cutOff, logger }, { uid: info.uid });
    await using _ = await createAgent({ cluster, link, logger }, { stateDir, info, agentVersion: '1.0.0' });
    await eventually(async () => expect(await valueOf()).toBe('two'));
  });
});

describe('the agent process', () => {
  const main = new URL('../../spoke-agent/src/main.ts', import.meta.url).pathname;
  const start = (args: string[], env: Record<string, string> = {}) =>
    spawn(process.execPath, [main, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });

  it('joins with a token, runs, says that it is alive, and ends on SIGTERM', async () => {
    await using directory = await tempDir();
    const healthFile = join(directory.path, 'health');
    const { token } = await fixture.tokens.create({ cluster: 'process', labels: {}, by: 'test' });
    await assign('process', 1, 'one');
    const child = start(['--simulate', '--state-dir', directory.path, '--health-file', healthFile], {
      WHEELHOUSE_TOKEN: token,
    });
    try {
      await eventually(() => expect(fixture.statuses.get('process/shop')).toMatchObject({ sync: 'Synced' }));
      expect(JSON.parse(await readFile(healthFile, 'utf8'))).toMatchObject({ at: expect.any(String) });
    } finally {
      child.kill('SIGTERM');
    }
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('says what to do when it has no token', async () => {
    await using directory = await tempDir();
    const child = start(['--simulate', '--log-level', 'silent', '--state-dir', directory.path]);
    const [output, [code]] = await Promise.all([child.stderr.toArray(), once(child, 'exit') as Promise<[number]>]);
    expect(Buffer.concat(output as Buffer[]).toString()).toBe(
      "agent: this agent is not enrolled: make a token with 'wheelhouse cluster token NAME' and start it with --token\n",
    );
    expect(code).toBe(1);
  });
});
