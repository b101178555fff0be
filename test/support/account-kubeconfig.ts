import { writeFile } from 'node:fs/promises';
import type { KubeCluster } from './kube-cluster.ts';

export interface AccountKubeconfig {
  /** The service account, which must exist. */
  namespace: string;
  account: string;
  file: string;
}

/** Writes a kubeconfig with the rights of a service account, for two hours. Returns the file. */
export async function writeAccountKubeconfig(
  server: Pick<KubeCluster, 'request' | 'server' | 'caPem'>,
  { namespace, account, file }: AccountKubeconfig,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 7_200 } };
  const { status } = await server.request('POST', path, { body });
  const cluster = { server: server.server, 'certificate-authority-data': Buffer.from(server.caPem).toString('base64') };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'east',
    clusters: [{ name: 'east', cluster }],
    users: [{ name: account, user: { token: status.token } }],
    contexts: [{ name: 'east', context: { cluster: 'east', user: account } }],
  };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
