import { describe, expect, it } from 'vitest';
import { parseClusterSecret } from './cluster-secret.ts';
import { keepSecret } from './kept-settings.ts';
import type { Secret } from './settings.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

function clusterSecret(fields: Partial<Secret>, annotations: Record<string, string> = {}): Secret {
  const labels = { 'argocd.argoproj.io/secret-type': 'cluster', region: 'eu' };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'c', namespace: 'argocd', labels, annotations },
    ...fields,
  };
}

describe('a cluster Secret', () => {
  it.each<[string, Partial<Secret>, object]>([
    [
      'in clear',
      { stringData: { name: 'eu-1', server: 'https://eu-1.example', project: 'shop' } },
      { name: 'eu-1', server: 'https://eu-1.example', project: 'shop' },
    ],
    [
      'in base64',
      { data: { name: base64('eu-1'), server: base64('https://eu-1.example') } },
      { name: 'eu-1', server: 'https://eu-1.example' },
    ],
    [
      'in both, of which the clear one wins',
      { data: { name: base64('old'), server: base64('https://x') }, stringData: { name: 'new' } },
      { name: 'new', server: 'https://x' },
    ],
    ['without a name', { stringData: { server: 'https://x' } }, { name: 'https://x', server: 'https://x' }],
  ])('%s announces a cluster', (...[, fields, cluster]) => {
    expect(parseClusterSecret(clusterSecret(fields, { owner: 'core' }))).toEqual({
      ...cluster,
      labels: { region: 'eu' },
      annotations: { owner: 'core' },
    });
  });

  it('keeps no credential, wherever kubectl put a copy of it', () => {
    const secret = clusterSecret(
      { stringData: { name: 'eu-1', server: 'https://x', config: '{"bearerToken":"hunter2"}' } },
      { 'kubectl.kubernetes.io/last-applied-configuration': 'hunter2', owner: 'core' },
    );
    const { secret: kept, warnings } = keepSecret(secret);
    expect(JSON.stringify(kept)).not.toContain('hunter2');
    expect(kept.metadata.annotations).toEqual({ owner: 'core' });
    expect(warnings).toEqual([
      expect.stringContaining('"config" was left out'),
      expect.stringContaining('cluster eu-1 is Expected until its agent enrols: wheelhouse cluster token eu-1'),
    ]);
  });

  it('whose name cannot be one here says so', () => {
    const { warnings } = keepSecret(clusterSecret({ stringData: { name: 'EU West', server: 'https://x' } }));
    expect(warnings).toEqual([expect.stringContaining('it names no cluster: cluster name "EU West" must be')]);
  });
});
