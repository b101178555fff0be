import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createApiServer } from '@wheelhouse/hub/api/server';
import { adminToken, createFakeDeps, fakeView } from '@wheelhouse/hub/api/testing/fake-deps';
import { createAuthorityCertificate, createServerCertificate } from '@wheelhouse/hub/fleet/certificates';
import { beforeAll, describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../bin/wheelhouse.mjs', import.meta.url));
let directory: string;
let url: string;

beforeAll(async () => {
  const now = new Date();
  const ca = await createAuthorityCertificate(now);
  const tls = await createServerCertificate(ca, ['127.0.0.1'], now);
  const deps = createFakeDeps();
  deps.applications.set(fakeView({ name: 'cart' }));
  const server = await createApiServer(deps, { tls });
  await server.listen({ host: '127.0.0.1', port: 0 });
  url = `https://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  directory = await mkdtemp(join(tmpdir(), 'wheelhouse-cli-'));
  await writeFile(join(directory, 'ca.pem'), ca.cert);
  return async () => {
    await server.close();
    await rm(directory, { recursive: true });
  };
});

async function wheelhouse(args: string[], input = '') {
  const env = { PATH: process.env['PATH'], HOME: directory, WHEELHOUSE_SERVER: url, WHEELHOUSE_TOKEN: adminToken };
  const child = spawn(process.execPath, [bin, ...args], { cwd: directory, env });
  child.stdin.end(input);
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ]);
  return { out, err, code };
}

describe('the wheelhouse process', () => {
  it('talks HTTPS to a hub whose CA it was given, reads standard input, and ends with the right code', async () => {
    const ca = ['--ca-file', 'ca.pem'];
    const input = 'apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: shop}\nspec: {}\n---\nkind: [';
    const [listed, applied] = await Promise.all([
      wheelhouse(['app', 'list', '-o', 'json', ...ca]),
      wheelhouse(['apply', '-f', '-', ...ca], input),
    ]);
    expect(listed).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(listed.out)).toMatchObject([{ metadata: { name: 'cart' } }]);
    expect(applied).toMatchObject({ code: 1, out: 'appproject/shop created\n' });
    expect(applied.err).toMatch(/^Error: \(standard input\):5: YAML, line 7, column \d+: /);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends by %s while it reads standard input', async (signal) => {
    const env = { PATH: process.env['PATH'], HOME: directory, WHEELHOUSE_SERVER: url, WHEELHOUSE_TOKEN: adminToken };
    const args = [bin, 'apply', '-f', '-', '--ca-file', 'ca.pem'];
    const child = spawn(process.execPath, args, { cwd: directory, env, stdio: ['pipe', 'ignore', 'pipe'] });
    const ended = once(child, 'close');
    // more than a pipe holds: written when the child is reading
    await new Promise((resolve) => child.stdin.write(`#${' '.repeat(4 * 1024 * 1024)}`, resolve));
    child.kill(signal);
    expect([await text(child.stderr), ...(await ended)]).toEqual(['', 130, null]);
  });

  it('does not trust a hub of which it knows no CA', async () => {
    const { code, err } = await wheelhouse(['app', 'list']);
    expect(code).toBe(3);
    expect(err).toBe(
      `Error: the hub at ${url} cannot be reached: its certificate is not trusted; name the CA with --ca-file\n`,
    );
  });
});
