/**
 * `node hub/src/write-nats-config.ts DIRECTORY [ADDRESS]`: writes `nats.conf`, `tls.crt` and `tls.key` there, for a
 * nats-server that listens on ADDRESS (0.0.0.0:4222 unless given) and runs beside the hub (deploy/compose). Makes the
 * authority when the hub's data has none. The directory gets no key that signs anything.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { readHubConfig } from './config.ts';
import { loadAuthority } from './fleet/authority.ts';
import { formatNatsConfig } from './fleet/nats-config.ts';

async function writeNatsConfig(directory: string, listen: string): Promise<void> {
  const { data, tlsNames } = readHubConfig();
  const names = [...tlsNames, 'localhost', '127.0.0.1'];
  const { jwts, tls } = await loadAuthority({ directory: path.join(data, 'authority'), names });
  await mkdir(directory, { recursive: true });
  const leafFile = path.join(directory, 'tls.crt');
  const keyFile = path.join(directory, 'tls.key');
  await copyFile(tls.leafFile, leafFile);
  await copyFile(tls.keyFile, keyFile);
  const text = formatNatsConfig({
    authority: { jwts, tls: { ...tls, leafFile, keyFile } },
    listen,
    storeDir: path.join(directory, 'jetstream'),
  });
  await writeFile(path.join(directory, 'nats.conf'), text, { mode: 0o600 });
}

try {
  const [directory, listen = '0.0.0.0:4222'] = process.argv.slice(2);
  if (directory) await writeNatsConfig(directory, listen);
  else throw new Error('say which directory: node hub/src/write-nats-config.ts DIRECTORY [ADDRESS]');
} catch (error) {
  process.stderr.write(`write-nats-config: ${toFleetError(error).message}\n`);
  process.exitCode = 1;
}
