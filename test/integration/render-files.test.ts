// Files that a source names by URL: the hub downloads them, and a render is of what they held.
import { createRemoteFiles } from '@wheelhouse/hub/source/remote-files';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileServer, startFileServer } from '../support/file-server.ts';
import { tempDir } from '../support/temp-dir.ts';
import { startRender } from './render-fixture.ts';

const signal = new AbortController().signal;
const configMap = (text: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {text: "${text}"}\n`;
let server: FileServer;

beforeEach(async () => {
  server = await startFileServer({
    '/v.yaml': 'text: by-url\n',
    '/w.yaml': 'text: last\n',
    '/crd.yaml': configMap('one'),
  });
});
afterEach(async () => await server[Symbol.asyncDispose]());

describe('a file by URL', () => {
  it('gives values to a chart, in the order of the value files', async () => {
    await using app = await startRender({
      'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
      'app/near.yaml': 'text: near\n',
      'app/templates/a.yaml': configMap('{{ .Values.text }}'),
    });
    const textOf = async (...valueFiles: string[]) => {
      const { record, manifests } = await app.render({ path: 'app', helm: { valueFiles } });
      return { record, text: (manifests[0]?.['data'] as { text: string } | undefined)?.text };
    };
    const { record, text } = await textOf('near.yaml', `${server.url}/v.yaml`);
    expect(text).toBe('by-url');
    expect((await textOf(`${server.url}/v.yaml`, 'near.yaml')).text).toBe('near');
    expect((await textOf(`${server.url}/v.yaml`, `${server.url}/w.yaml`)).text).toBe('last');
    expect(await app.renderer.stillValid(record, app.openLocation, signal)).toBe(true);
    server.files.set('/v.yaml', 'text: changed\n');
    expect(await app.renderer.stillValid(record, app.openLocation, signal)).toBe(false);
    expect((await textOf('near.yaml', `${server.url}/v.yaml`)).text).toBe('changed');
  });

  it('is a resource of a kustomization', async () => {
    await using app = await startRender({
      'app/kustomization.yaml': `resources: ["${server.url}/crd.yaml"]\nnamePrefix: x-\n`,
    });
    const { record, manifests } = await app.render({ path: 'app' });
    expect(manifests).toMatchObject([{ metadata: { name: 'x-a' }, data: { text: 'one' } }]);
    server.files.set('/crd.yaml', configMap('two'));
    expect(await app.renderer.stillValid(record, app.openLocation, signal)).toBe(false);
    expect((await app.render({ path: 'app' })).manifests).toMatchObject([{ data: { text: 'two' } }]);
  });

  it('that is not there is an error that names it', async () => {
    await using app = await startRender({ 'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n' });
    const helm = { valueFiles: [`${server.url}/gone.yaml?key=word`], ignoreMissingValueFiles: true };
    const failure = await app.render({ path: 'app', helm }).catch((error: Error) => error);
    expect(failure).toMatchObject({
      code: 'PathNotFound',
      message: `${server.url}/gone.yaml?… cannot be read: its server answers 404`,
    });
  });
});

describe('createRemoteFiles', () => {
  it.each<[string, (of: FileServer) => string, object]>([
    ['another scheme', () => 'file:///etc/passwd', { code: 'Unsupported' }],
    ['a login in the URL', (of) => of.url.replace('//', '//ada:secret-word@'), { code: 'Invalid' }],
    ['a file that is too large', (of) => `${of.url}/large`, { code: 'TooLarge' }],
  ])('refuses %s', async (...[, urlOf, expected]) => {
    await using folder = await tempDir({ memory: true });
    server.files.set('/large', ' '.repeat((10 << 20) + 1));
    const files = createRemoteFiles({ directory: folder.path, timeoutMs: 20_000 });
    const failure = (await files.fetch({ url: urlOf(server) }, signal).catch((error: Error) => error)) as Error;
    expect(failure).toMatchObject(expected);
    expect(failure.message).not.toContain('secret-word');
  });

  it('sends no login, reads what it has without another look, and never takes another content for it', async () => {
    await using folder = await tempDir({ memory: true });
    const place = { url: `${server.url}/v.yaml`, credentials: { username: 'ada', password: 'secret-word' } };
    const open = () => createRemoteFiles({ directory: folder.path, timeoutMs: 20_000 });
    const { sha } = await open().fetch(place, signal);
    server.files.set('/v.yaml', 'text: changed\n');
    using snapshot = await open().open(place, sha, signal);
    const entry = await snapshot.entry('file.yaml');
    expect((await snapshot.read(entry?.oid ?? '')).toString()).toBe('text: by-url\n');
    expect(server.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
    await expect(open().open(place, 'f'.repeat(64), signal)).rejects.toMatchObject({ code: 'DigestMismatch' });
  });
});
