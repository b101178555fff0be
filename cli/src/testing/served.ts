import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiServer } from '@wheelhouse/hub/api/server';
import { adminToken, type FakeDeps } from '@wheelhouse/hub/api/testing/fake-deps';
import { runCli } from '../program.ts';

/** The command line in this process, against the API over these parts, as an administrator with an empty home. */
export interface Served extends AsyncDisposable {
  /** `input`: what is on standard input. */
  run(args: readonly string[], input?: string): Promise<{ code: number; out: string; err: string }>;
}

export async function serve(deps: FakeDeps): Promise<Served> {
  const server = await createApiServer(deps);
  await server.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  const cwd = await mkdtemp(join(tmpdir(), 'wheelhouse-cli-'));
  return {
    run: async (args, input = '') => {
      let out = '';
      let err = '';
      const code = await runCli([...args, '--server', url, '--token', adminToken], {
        out: (text) => void (out += text),
        err: (text) => void (err += text),
        ask: async () => undefined,
        readInput: async () => input,
        env: { HOME: cwd },
        cwd,
        signal: new AbortController().signal,
      });
      return { code, out, err };
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await rm(cwd, { recursive: true });
    },
  };
}
