import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openTemporaryFolder } from '@wheelhouse/shared/process/temporary-folder';
import type { Remote } from '../../remote.ts';

/** What one git process needs to log in: environment variables, and files that are gone when it is disposed. */
export interface Login extends AsyncDisposable {
  env: Record<string, string>;
  /** Git settings, handed over in the environment. */
  config: [key: string, value: string][];
}

/** Answers only for the host that the credentials are for: git asks again, for another, after a redirect. */
const askPass = `#!/bin/sh
case "$1" in
  "Username for "*"//$WHEELHOUSE_GIT_HOST'"*) printf '%s\\n' "$WHEELHOUSE_GIT_USERNAME" ;;
  "Password for "*"@$WHEELHOUSE_GIT_HOST'"*) printf '%s\\n' "$WHEELHOUSE_GIT_PASSWORD" ;;
  *) exit 1 ;;
esac
`;

/**
 * Hands credentials to git without a command line or a configuration file: GIT_ASKPASS for basic, an environment setting for
 * bearer, and for SSH a key file of mode 0600 in a folder of mode 0700. Also git's HOME, so that no user's settings apply.
 */
export async function createLogin(remote: Remote): Promise<Login> {
  const folder = await openTemporaryFolder(tmpdir(), 'wheelhouse-git-');
  const dispose = async () => await rm(folder, { recursive: true, force: true });
  try {
    const env: Record<string, string> = { HOME: folder, XDG_CONFIG_HOME: folder };
    const config: [string, string][] = [];
    if (remote.scheme === 'ssh') env['GIT_SSH_COMMAND'] = await createSshCommand(remote, folder);
    else if (remote.scheme !== 'file') await addHttpLogin(remote, folder, { env, config });
    return { env, config, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function addHttpLogin(remote: Remote, folder: string, login: Pick<Login, 'env' | 'config'>): Promise<void> {
  const { username, password, bearerToken, insecure } = remote.credentials;
  if (bearerToken) {
    // git would send the header to whatever host a redirect leads to
    login.config.push(['http.followRedirects', 'false']);
    login.config.push([`http.${new URL(remote.url).origin}/.extraHeader`, `Authorization: Bearer ${bearerToken}`]);
  } else if (username || password) {
    const script = path.join(folder, 'askpass');
    await writeFile(script, askPass, { mode: 0o700 });
    login.env['GIT_ASKPASS'] = script;
    login.env['WHEELHOUSE_GIT_HOST'] = remote.host;
    login.env['WHEELHOUSE_GIT_USERNAME'] = username || 'git';
    login.env['WHEELHOUSE_GIT_PASSWORD'] = password ?? '';
  }
  await addCertificates(remote, folder, login);
  addProxy(remote, login);
  if (insecure) login.env['GIT_SSL_NO_VERIFY'] = 'true';
}

async function addCertificates(remote: Remote, folder: string, login: Pick<Login, 'env'>): Promise<void> {
  const { caPem, tlsCertificate, tlsKey } = remote.credentials;
  const files = { GIT_SSL_CAINFO: caPem, GIT_SSL_CERT: tlsCertificate, GIT_SSL_KEY: tlsKey };
  for (const [variable, pem] of Object.entries(files)) {
    if (!pem) continue;
    const file = path.join(folder, `${variable}.pem`);
    await writeFile(file, pem, { mode: 0o600 });
    login.env[variable] = file;
  }
}

function addProxy({ credentials: { proxy, noProxy = '' } }: Remote, login: Pick<Login, 'env' | 'config'>): void {
  if (!proxy) return;
  login.config.push(['http.proxy', proxy]);
  login.env['NO_PROXY'] = noProxy;
  login.env['no_proxy'] = noProxy;
}

async function createSshCommand(remote: Remote, folder: string): Promise<string> {
  const { sshPrivateKey, knownHosts = '', insecure } = remote.credentials;
  const knownHostsFile = path.join(folder, 'known_hosts');
  await writeFile(knownHostsFile, withFinalNewline(knownHosts));
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    `StrictHostKeyChecking=${insecure ? 'no' : 'yes'}`,
    `UserKnownHostsFile=${insecure ? '/dev/null' : knownHostsFile}`,
    'GlobalKnownHostsFile=/dev/null',
    'UpdateHostKeys=no',
    'ConnectTimeout=20',
    'ForwardAgent=no',
  ];
  const words = ['ssh', '-F', '/dev/null', ...options.flatMap((option) => ['-o', option])];
  if (sshPrivateKey) {
    const keyFile = path.join(folder, 'key');
    await writeFile(keyFile, withFinalNewline(sshPrivateKey), { mode: 0o600 });
    words.push('-i', keyFile);
  }
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}

function withFinalNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
