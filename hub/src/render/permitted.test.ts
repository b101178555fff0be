import type { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import { expect, it } from 'vitest';
import { createMemorySnapshot } from '../source/memory-snapshot.ts';
import { applicationOf } from '../testing/hub-state.ts';
import { openPermitted } from './permitted.ts';

const signal = new AbortController().signal;
const source = { repoURL: 'https://git.example/team/app.git', targetRevision: 'main', path: '.' };
const file = { repoURL: 'http://169.254.169.254/latest', targetRevision: '', file: true } as const;
const asking = (...sourceRepos: string[]) => {
  const project: AppProject = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'team', namespace: 'argocd' },
    spec: { sourceRepos },
  };
  return { application: applicationOf('shop', { spec: { project: 'team' } }), project };
};

it.each<[string, object, ReturnType<typeof asking>[], boolean]>([
  ['its own source', { repoURL: source.repoURL, targetRevision: 'main' }, [asking('https://git.example/team/*')], true],
  ['a file that its project permits', file, [asking('*')], true],
  ['a file that its project does not permit', file, [asking('https://git.example/team/*')], false],
  ['a remote base that it does not', { ...source, repoURL: 'https://git.example/b' }, [asking(source.repoURL)], false],
  ['a file that the project of another permits, which shares the render', file, [asking(), asking('*')], true],
])('is asked for: %s', async (...[, location, apps, isAsked]) => {
  const asked: unknown[] = [];
  const open = openPermitted(
    async (one) => {
      asked.push(one);
      return createMemorySnapshot({}, 'c'.repeat(40));
    },
    [source],
    () => apps,
  );
  const outcome = await open(location as Parameters<typeof open>[0], signal).then(
    () => 'opened',
    ({ code, message }: FleetError) => `${code}: ${message}`,
  );
  expect(outcome).toMatch(
    isAsked ? /^opened$/ : /^NotPermitted: application shop: .*, which project team does not permit: add it to/,
  );
  expect(asked).toEqual(isAsked ? [location] : []);
});
