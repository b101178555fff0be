import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { describe, expect, it } from 'vitest';
import { createMemorySnapshot } from '../source/memory-snapshot.ts';
import { applicationOf, storedOf } from '../testing/hub-state.ts';
import { openSigned } from './open-signed.ts';

const repoURL = 'https://git.example/team/app.git';
const signal = new AbortController().signal;

async function open(project: string | undefined, spec: AppProject['spec']): Promise<object[]> {
  const asked: object[] = [];
  const metadata = { name: 'team', namespace: 'argocd' };
  const team: AppProject = { apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata, spec };
  const { destination } = applicationOf('app').spec;
  const template = { metadata: { name: 'app' }, spec: { destination, ...(project === undefined ? {} : { project }) } };
  const set = { spec: { generators: [], template } };
  const snapshot = openSigned(set, {
    specs: { find: (...[, , name]) => (name === 'team' || name === 'default' ? storedOf(team) : undefined) },
    snapshot: async () => createMemorySnapshot({}),
    verify: async (location, { policy }) => void asked.push({ ...location, ...policy }),
  });
  await snapshot(repoURL, 'main', signal);
  return asked;
}

describe('openSigned', () => {
  const signatureKeys = [{ keyID: 'A' }];
  const signed = { repoURL, targetRevision: 'main', mode: 'head', keys: ['A'] };
  const policy = { repos: [{ url: '*' }], gpg: { mode: 'strict', keys: ['B'] } };

  it.each<[string, string | undefined, AppProject['spec'], object[]]>([
    ['a project without keys', 'team', {}, []],
    ['another project', 'other', { signatureKeys }, []],
    ['a project that the template makes up', '{{ .name }}', { signatureKeys }, []],
    ['no project, which means the default one', undefined, { signatureKeys }, [signed]],
    ['a project without a name, which means the default one', '', { signatureKeys }, [signed]],
    ['a project with keys', 'team', { signatureKeys }, [signed]],
    [
      'a project with a policy',
      'team',
      { sourceIntegrity: { git: { policies: [policy] } } },
      [{ repoURL, targetRevision: 'main', mode: 'strict', keys: ['B'] }],
    ],
  ])('asks, of %s', async (...[, project, spec, expected]) => {
    expect(await open(project, spec)).toEqual(expected);
  });

  it('opens nothing where nobody can say what must be signed', async () => {
    const spec = { sourceIntegrity: { git: { policies: [policy, policy] } } };
    await expect(open('team', spec)).rejects.toMatchObject({ code: 'Invalid' });
  });
});
