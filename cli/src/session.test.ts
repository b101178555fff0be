import type { AddressInfo } from 'node:net';
import { createApiServer } from '@wheelhouse/hub/api/server';
import { adminToken, createFakeDeps, fakeView } from '@wheelhouse/hub/api/testing/fake-deps';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import { beforeEach, describe, expect, it } from 'vitest';
import { runCli } from './program.ts';

let server: string;

beforeEach(async () => {
  const deps = createFakeDeps();
  deps.applications.set(fakeView({ name: 'guestbook' }));
  const api = await createApiServer(deps);
  await api.listen({ host: '127.0.0.1', port: 0 });
  server = `http://127.0.0.1:${(api.server.address() as AddressInfo).port}`;
  return async () => await api.close();
});

async function run(...args: string[]) {
  let out = '';
  let err = '';
  const code = await runCli(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    ask: async () => undefined,
    readInput: async () => '',
    env: { WHEELHOUSE_SERVER: server, WHEELHOUSE_TOKEN: adminToken },
    cwd: '/',
    signal: new AbortController().signal,
  });
  return { code, out, err };
}

describe('what is printed', () => {
  it('holds nothing that a terminal obeys', async () => {
    const { err } = await run('app', 'get', '\u001b]52;c;x\u0007\u009b2J');
    expect(err).toContain(String.raw`\u001b]52;c;x\u0007\u009b2J`);
    expect(err).not.toMatch(/(?!\n)\p{Cc}/u);
  });

  it.each(['json', 'yaml'])('says in %s what was done', async (format) => {
    const { out, err, code } = await run('app', 'delete', 'guestbook', '-o', format);
    expect([code, err]).toEqual([0, '']);
    expect(parseYaml(out)).toEqual([{ name: 'guestbook', outcome: 'deleted' }]);
  });
});
