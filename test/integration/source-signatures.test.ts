import { execFileSync } from 'node:child_process';
import { createRecentRefs } from '@wheelhouse/hub/source/recent-refs';
import { createSignatures, type Signatures } from '@wheelhouse/hub/source/signatures/signatures';
import { createGitSource } from '@wheelhouse/hub/source/source';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GitServer, type ServedRepository, startGitServer } from '../support/git-server.ts';
import { createGpgKey, type GpgKey } from '../support/gpg-key.ts';
import { tempDir } from '../support/temp-dir.ts';

const signal = new AbortController().signal;

describe('signatures of commits and tags', () => {
  const stack = new AsyncDisposableStack();
  let server: GitServer;
  let open: () => Signatures;
  let signatures: Signatures;
  let ann: GpgKey;
  let eve: GpgKey;
  let number = 0;

  beforeAll(async () => {
    server = stack.use(await startGitServer());
    const { path } = stack.use(await tempDir({ memory: true }));
    const reach = { rewrites: [], timeoutMs: 30_000, environment: process.env };
    const logger = createLogger({ name: 'test', level: 'silent' });
    const git = stack.use(createGitSource({ logger }, { ...reach, directory: path, engine: 'isomorphic' }));
    open = () => createSignatures(createRecentRefs({ git, now: Date.now }), { ...reach, allowFile: false });
    signatures = open();
    ann = stack.use(await createGpgKey('ann'));
    eve = stack.use(await createGpgKey('eve'));
  }, 60_000);
  afterAll(async () => await stack.disposeAsync());

  const repository = async (): Promise<ServedRepository> => {
    number += 1;
    return await server.createRepository(`team/app-${number}`, { 'app/a.yaml': 'x' });
  };

  interface Asked {
    targetRevision?: string;
    sha?: string;
    mode?: 'head' | 'strict';
    keys?: string[];
    ring?: GpgKey[];
    by?: Signatures;
  }

  const verify = async (of: ServedRepository, asked: Asked = {}) => {
    const { targetRevision = 'main', mode = 'head', keys = [ann.id], ring = [ann, eve], by = signatures } = asked;
    const sha = asked.sha ?? (await of.git('rev-parse', `${targetRevision}^{commit}`));
    const policy = { mode, keys };
    const known = Object.fromEntries(ring.map((key) => [key.id, key.publicKey]));
    await by.verify({ repository: { url: of.url }, targetRevision, sha }, { policy, keys: known }, signal);
  };
  const refused = (message: string) => ({
    code: 'SignatureInvalid',
    retryable: false,
    message: expect.stringContaining(message) as string,
  });

  it('takes a commit that one of the keys signed, by branch, by HEAD and by id, at any depth', async () => {
    const app = await repository();
    const sha = await ann.commit(app, 'Signed');
    await verify(app);
    await verify(app, { targetRevision: 'HEAD', sha });
    await verify(app, { targetRevision: sha, keys: [ann.fingerprint] });
    await app.commit({ 'app/b.yaml': 'y' }, 'Later');
    await verify(app, { targetRevision: sha, sha });
    await verify(app, { sha });
    await expect(verify(app)).rejects.toMatchObject(refused('it is not signed'));
  });

  it.each<[string, (app: ServedRepository) => Promise<Asked>, string]>([
    ['no signature', async () => ({}), 'by "Test <test@example.com>": it is not signed'],
    [
      'a key that the policy does not have',
      async (app) => {
        await eve.commit(app, 'Signed');
        return {};
      },
      'which is none of',
    ],
    [
      'a key that nobody gave the hub',
      async (app) => {
        await ann.commit(app, 'Signed');
        return { ring: [eve] };
      },
      'is not in argocd-gpg-keys-cm',
    ],
    [
      'no keys at all',
      async (app) => {
        await ann.commit(app, 'Signed');
        return { ring: [] };
      },
      'is not in argocd-gpg-keys-cm',
    ],
    [
      'a commit that was changed after it was signed',
      async (app) => {
        const sha = await ann.commit(app, 'Signed');
        const text = await app.git('cat-file', 'commit', sha);
        return { sha: await forge(app, text.replace(/Signed$/u, 'Forged')) };
      },
      'its signature is bad',
    ],
  ])('refuses %s', async (...[, prepare, message]) => {
    const app = await repository();
    const asked = await prepare(app);
    await expect(verify(app, asked)).rejects.toMatchObject(refused(message));
    await expect(verify(app, asked)).rejects.toMatchObject(refused(message));
  });

  it('refuses a key that has expired', async () => {
    await using old = await createGpgKey('old', { expires: 'seconds=60', clock: '20200101T000000' });
    const app = await repository();
    await old.commit(app, 'Signed');
    await expect(verify(app, { keys: [old.id], ring: [old] })).rejects.toMatchObject(
      refused('the key of its signature has expired'),
    );
  });

  it('takes the signature of an annotated tag, not of its commit', async () => {
    const app = await repository();
    const unsigned = await app.git('rev-parse', 'main');
    await ann.tag(app, 'v1.0.0', unsigned);
    await verify(app, { targetRevision: 'v1.0.0' });
    await verify(app, { targetRevision: '1.0.*', sha: unsigned });
    const signed = await ann.commit(app, 'Signed');
    await eve.tag(app, 'v2.0.0', signed);
    await expect(verify(app, { targetRevision: 'v2.0.0' })).rejects.toMatchObject(refused('tag v2.0.0 by "eve <eve@'));
    await app.git('-c', 'user.name=x', '-c', 'user.email=x@x', 'tag', '-a', '-m', 'x', 'v3.0.0', signed);
    await expect(verify(app, { targetRevision: 'v3.0.0' })).rejects.toMatchObject(refused('it is not signed'));
    await app.tag('light', signed);
    await verify(app, { targetRevision: 'light' });
  });

  it('does not take a tag that was moved for the one that was resolved', async () => {
    const app = await repository();
    const before = await app.git('rev-parse', 'main');
    await ann.tag(app, 'v1', await ann.commit(app, 'Signed'));
    const moved = { code: 'RevisionNotFound', retryable: true };
    await expect(verify(app, { targetRevision: 'v1', sha: before })).rejects.toMatchObject(moved);
  });

  it('looks at the whole history in strict mode, back to what seals it', async () => {
    const app = await repository();
    await ann.commit(app, 'Signed');
    await verify(app);
    await expect(verify(app, { mode: 'strict' })).rejects.toMatchObject(refused('it is not signed'));
    await ann.commit(app, 'Seal\n\nArgocd-gpg-seal: reviewed');
    await verify(app, { mode: 'strict' });
    await ann.commit(app, 'After');
    await verify(app, { mode: 'strict' });
    await app.commit({ 'app/b.yaml': 'y' }, 'Sneaked in');
    await ann.commit(app, 'On top');
    await verify(app);
    await expect(verify(app, { mode: 'strict' })).rejects.toMatchObject(refused('it is not signed'));
    await eve.commit(app, 'Seal\n\nArgocd-gpg-seal: trust me');
    await ann.commit(app, 'On top of it');
    await expect(verify(app, { mode: 'strict' })).rejects.toMatchObject(refused('which is none of'));
  });

  it('asks the server once for many who want to know the same, and nothing again for what is known', async () => {
    const app = await repository();
    const sha = await ann.commit(app, 'Signed');
    const by = open();
    const calls = async (work: () => Promise<unknown>) => {
      const before = server.requests.length;
      await work();
      const made = server.requests.slice(before).filter((request) => request.includes('git-upload-pack'));
      return [made.filter((one) => one.startsWith('GET')).length, made.filter((one) => one.startsWith('POST')).length];
    };
    const once = await calls(async () => await verify(app, { sha, by: open() }));
    const many = await calls(
      async () => await Promise.all(Array.from({ length: 20 }, async () => await verify(app, { sha, by }))),
    );
    expect(many).toEqual(once);
    expect(await calls(async () => await verify(app, { by }))).toEqual([0, 0]);
    for (const targetRevision of ['HEAD', sha])
      expect(await calls(async () => await verify(app, { targetRevision, sha, by }))).toEqual([0, 0]);
    const next = await ann.commit(app, 'Signed too');
    await verify(app, { sha: next, by });
    await ann.tag(app, 'v1', next);
    await verify(app, { targetRevision: 'v1', sha: next, by });
    await eve.tag(app, 'v2', next);
    await expect(verify(app, { targetRevision: 'v2', sha: next, by })).rejects.toMatchObject(refused('tag v2 by'));
  });

  it('says what is missing on the hub, and refuses', async () => {
    const app = await repository();
    await ann.commit(app, 'Signed');
    const bare = createSignatures(
      createRecentRefs({ git: { listRefs: async () => ({ refs: new Map() }) }, now: Date.now }),
      { rewrites: [], timeoutMs: 20_000, environment: { PATH: '/nonexistent' }, allowFile: false },
    );
    const policy = { mode: 'head', keys: [ann.id] } as const;
    const signed = { repository: { url: app.url }, targetRevision: 'main', sha: await app.git('rev-parse', 'main') };
    const missing = { code: 'ToolMissing' };
    await expect(bare.verify(signed, { policy, keys: { a: ann.publicKey } }, signal)).rejects.toMatchObject(missing);
  });

  it('stops with its signal', async () => {
    const app = await repository();
    const signed = { repository: { url: app.url }, targetRevision: 'main', sha: await app.git('rev-parse', 'main') };
    const wanted = { policy: { mode: 'head', keys: [ann.id] }, keys: {} } as const;
    const stopped = AbortSignal.abort();
    await expect(signatures.verify(signed, wanted, stopped)).rejects.toMatchObject({ code: 'Aborted' });
  });
});

/** Writes a commit as it is given, and lets the branch point at it. */
async function forge(app: ServedRepository, text: string): Promise<string> {
  const sha = execFileSync('git', ['-C', app.dir, 'hash-object', '-t', 'commit', '-w', '--stdin'], {
    input: `${text}\n`,
  })
    .toString()
    .trim();
  await app.git('update-ref', 'refs/heads/main', sha);
  return sha;
}
