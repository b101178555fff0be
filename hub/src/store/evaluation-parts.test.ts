import type { Application } from '@wheelhouse/shared/resources/application';
import { describe, expect, it } from 'vitest';
import { createDerived, type StoredEvaluation } from './derived.ts';
import { createMemoryBuckets } from './testing/memory-bucket.ts';

function application(directory: number, cluster: number, label = 'a'): Application {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: `app-${directory}-c${cluster}`, namespace: 'argocd', labels: { label } },
    spec: {
      project: 'default',
      source: { repoURL: 'https://git.example.com/r.git', path: `apps/app-${directory}` },
      destination: { name: `c${cluster}`, namespace: 'x' },
    },
  };
}

function fleet(directories: number, clusters: number): Application[] {
  return Array.from({ length: directories * clusters }, (_, index) =>
    application(Math.floor(index / clusters), index % clusters),
  );
}

function evaluationOf(applications: Application[], evaluatedAt = '2026-01-01T00:00:00Z'): StoredEvaluation {
  const reads = { repositories: [], clusters: true };
  return { namespace: 'argocd', name: 'fleet', applications, errors: [], warnings: [], reads, evaluatedAt };
}

const names = (evaluation: StoredEvaluation | undefined) =>
  (evaluation?.applications ?? []).map(({ metadata }) => metadata.name).sort();

async function setUp(applications: Application[]) {
  const buckets = createMemoryBuckets();
  const bucket = buckets.open('derived');
  const written: string[] = [];
  const counting = {
    ...bucket,
    put: async (...args: Parameters<typeof bucket.put>) => {
      written.push(args[0]);
      return await bucket.put(...args);
    },
  };
  const derived = await createDerived(counting);
  await derived.putEvaluation(evaluationOf(applications));
  const keys = async () => {
    const found: string[] = [];
    await buckets.open('derived').watchAll((entry) => void (entry.value && found.push(entry.key)));
    return found;
  };
  return { buckets, derived, written, keys, replica: async () => await createDerived(buckets.open('derived')) };
}

describe('a large evaluation', () => {
  const applications = fleet(100, 10);

  it('is the same for the replica that wrote it and for one that starts', async () => {
    const { derived, replica } = await setUp(applications);
    const own = derived.evaluation('argocd', 'fleet');
    expect(new Set(own?.applications)).toEqual(new Set(applications));
    expect(own?.applications.every((one) => applications.includes(one))).toBe(true);
    expect(names((await replica()).evaluation('argocd', 'fleet'))).toEqual(names(own));
  });

  it('writes the parts of one cluster when one cluster changes, and keeps the objects of all others', async () => {
    const { derived, written } = await setUp(applications);
    const all = written.length;
    written.length = 0;
    const changed = applications.map((one, index) =>
      index % 10 === 3 ? application(Math.floor(index / 10), 3, 'b') : one,
    );
    await derived.putEvaluation(evaluationOf(changed, '2026-01-02T00:00:00Z'));
    expect(written.filter((key) => key.startsWith('part.')).length).toBeLessThanOrEqual(8);
    expect(all).toBeGreaterThan(40);
    expect(new Set(derived.evaluation('argocd', 'fleet')?.applications)).toEqual(new Set(changed));
  });

  it('is told to other replicas once, when all of it is there', async () => {
    const { derived, replica } = await setUp(applications);
    const other = await replica();
    const sizes: number[] = [];
    using _ = other.onChange((change) => {
      if (change.type === 'evaluation') sizes.push(change.after?.applications.length ?? 0);
    });
    await derived.putEvaluation(evaluationOf([...applications, application(100, 0)], '2026-01-02T00:00:00Z'));
    expect(sizes).toEqual([1_001]);
  });

  it('keeps what was known when a head comes before its parts', async () => {
    const { buckets } = await setUp(applications);
    const late = createMemoryBuckets().open('derived');
    const parts: [string, Uint8Array][] = [];
    await buckets.open('derived').watchAll(({ key, value }) => {
      if (value && key.startsWith('part.')) parts.push([key, value]);
    });
    const head = await buckets.open('derived').get('evaluation.argocd.fleet');
    const derived = await createDerived(late);
    await late.put('evaluation.argocd.fleet', head?.value ?? Buffer.alloc(0));
    expect(derived.evaluation('argocd', 'fleet')).toBeUndefined();
    for (const [key, value] of parts) await late.put(key, value);
    expect(names(derived.evaluation('argocd', 'fleet'))).toEqual(names(evaluationOf(applications)));
  });

  it('leaves nothing behind when it shrinks, and when it goes', async () => {
    const { derived, keys, replica } = await setUp(applications);
    const few = applications.slice(0, 5);
    await derived.putEvaluation(evaluationOf(few, '2026-01-02T00:00:00Z'));
    expect(await keys()).toEqual(['evaluation.argocd.fleet']);
    expect(names((await replica()).evaluation('argocd', 'fleet'))).toEqual(names(evaluationOf(few)));
    await derived.putEvaluation(evaluationOf(applications, '2026-01-03T00:00:00Z'));
    await derived.deleteEvaluation('argocd', 'fleet');
    expect(await keys()).toEqual([]);
    expect(derived.evaluation('argocd', 'fleet')).toBeUndefined();
  });
});

describe('a small evaluation', () => {
  it('is one entry', async () => {
    const { keys, derived } = await setUp(fleet(5, 5));
    expect(await keys()).toEqual(['evaluation.argocd.fleet']);
    expect(derived.evaluation('argocd', 'fleet')?.applications).toHaveLength(25);
  });
});
