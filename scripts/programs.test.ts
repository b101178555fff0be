import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { describe, expect, it } from 'vitest';
import { compareVersions, programs, readVersion, whyNotUsable } from './programs.ts';

describe('versions', () => {
  it.each([
    ['2.12.6', '2.12.6', 0],
    ['2.12.7', '2.12.6', 1],
    ['2.9.0', '2.12.0', -1],
    ['7.0', '7.0.0', 0],
    ['8.0.0', '7.9.9', 1],
  ])('compares %s and %s by number', (left, right, sign) => {
    expect(Math.sign(compareVersions(left, right))).toBe(sign);
  });

  it.each([
    ['nats-server', '2.12.5', '2.12.5 is older than 2.12.6'],
    ['nats-server', '2.15.1', undefined],
    ['kustomize', '5.7.1', '5.7.1 is older than 5.8.0'],
    ['helm', '3.19.0', '3.19.0 is older than 4.0.0'],
    ['helm', '5.0.0', '5.0.0 is another major version'],
    ['redis-server', '6.2.14', '6.2.14 is older than 7.0.0'],
    ['redis-server', '8.2.1', undefined],
  ])('%s %s', (name, version, reason) => {
    const program = programs.find((candidate) => candidate.name === name);
    if (!program) throw new Error(`no program ${name}`);
    expect(whyNotUsable(program, { path: `/usr/bin/${name}`, version })).toBe(reason);
  });

  it.each([
    ['nats-server: v2.15.1', '2.15.1'],
    ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0', '7.0.15'],
    ['go version go1.26.8 linux/amd64', '1.26.8'],
    ['nothing of the kind', undefined],
  ])('reads the version out of "%s"', async (line, version) => {
    await using dir = await tempDir();
    const program = join(dir.path, 'program');
    await writeFile(program, `#!/bin/sh\necho '${line}'\n`);
    await chmod(program, 0o755);
    expect(await readVersion(program, [])).toBe(version);
  });
});
