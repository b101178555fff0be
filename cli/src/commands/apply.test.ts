import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseYaml } from '@wheelhouse/shared/kube/yaml';
import { expect, it } from 'vitest';
import { runCli } from '../program.ts';

const created = { kind: 'AppProject', name: 'shop', result: 'created', warnings: [] };

it.each(['json', 'yaml'])('what was applied before the hub went away is said in %s', async (format) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'wheelhouse-apply-'));
  for (const name of ['a.yaml', 'b.yaml']) await writeFile(join(directory.path, name), `kind: AppProject # ${name}`);
  let requests = 0;
  await using server = createServer((request, response) => {
    requests += 1;
    if (requests > 1) request.socket.destroy();
    else response.end(JSON.stringify({ results: [created] }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let out = '';
  let err = '';
  const code = await runCli(['apply', '-f', 'a.yaml', 'b.yaml', '-o', format, '--server', url], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    ask: async () => undefined,
    readInput: async () => '',
    env: {},
    cwd: directory.path,
    signal: new AbortController().signal,
  });
  expect({ code, requests, printed: parseYaml(out) }).toEqual({
    code: 3,
    requests: 2,
    printed: [{ file: 'a.yaml', ...created }],
  });
  expect(err).toMatch(/^Error: the hub at .* cannot be reached/);
});
