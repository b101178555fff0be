import { generate } from '@wheelhouse/hub/generate/generate';
import { createMemos } from '@wheelhouse/hub/generate/memo';
import { createTemplateCompiler } from '@wheelhouse/hub/generate/template/template';
import type { Snapshot, TreeEntry } from '@wheelhouse/hub/source/source';
import type { Row } from '../report/print.ts';
import { matrixSet } from './matrix-set.ts';

const largeSet = matrixSet({
  repoURL: 'https://git.example.com/fleet.git',
  labels: { region: '{{ .metadata.labels.region }}', app: '{{ .path.basename }}' },
  namespace: '{{ .path.basename | lower }}',
});

/** A repository of empty directories. */
function snapshotOf(directories: number): Snapshot {
  const entry = (path: string): TreeEntry => ({
    path,
    name: path.slice(path.lastIndexOf('/') + 1),
    oid: path,
    type: 'tree',
    mode: '040000',
  });
  const children = new Map([
    ['', [entry('apps')]],
    ['apps', Array.from({ length: directories }, (_, index) => entry(`apps/app-${index}`))],
  ]);
  return {
    sha: '0'.repeat(40),
    entry: async (path) => await Promise.resolve(entry(path)),
    children: async (path) => await Promise.resolve(children.get(path) ?? []),
    async *walk() {
      yield* await Promise.resolve([]);
    },
    read: async () => await Promise.resolve(Buffer.alloc(0)),
  };
}

function clustersOf(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    name: `cluster-${index}`,
    server: `https://cluster-${index}.example.com`,
    labels: { tier: 'prod', region: `r${index % 10}` },
    annotations: {},
  }));
}

/** Evaluates one set of directories × clusters in this process: from nothing, after a relabelling, after a new cluster. */
export async function evaluateLargeSet(directories: number, clusterCount: number): Promise<Row[]> {
  const snapshot = snapshotOf(directories);
  const memo = createMemos().of(largeSet);
  const { signal } = new AbortController();
  const evaluate = async (clusters: ReturnType<typeof clustersOf>) => {
    const started = performance.now();
    const cpu = process.cpuUsage();
    const { applications, failed } = await generate({
      applicationSet: largeSet,
      clusters,
      git: { snapshot: async () => await Promise.resolve(snapshot) },
      memo,
      signal,
    });
    if (failed) throw failed;
    const { user, system } = process.cpuUsage(cpu);
    return {
      applications: applications.length,
      ms: Math.round(performance.now() - started),
      'CPU ms': Math.round((user + system) / 1_000),
    };
  };
  let clusters = clustersOf(clusterCount);
  const rows: Row[] = [
    { step: `${directories} directories × ${clusterCount} clusters, evaluated`, ...(await evaluate(clusters)) },
  ];
  const relabelled: Row[] = [];
  for (let round = 0; round < 7; round += 1) {
    clusters = clusters.map((cluster, index) =>
      index === 0 ? { ...cluster, labels: { ...cluster.labels, region: `new-${round}` } } : cluster,
    );
    relabelled.push({
      step: 'again after the label of one cluster changed (median of 7)',
      ...(await evaluate(clusters)),
    });
  }
  relabelled.sort((a, b) => Number(a['ms']) - Number(b['ms']));
  rows.push(...relabelled.slice(3, 4));
  const more = await evaluate([...clusters, ...clustersOf(clusterCount + 1).slice(-1)]);
  rows.push({ step: 'again with one cluster more', ...more });
  rows.push({ step: 'memory of this process', 'MB RSS': Math.round(process.memoryUsage.rss() / 2 ** 20) });
  return rows;
}

/** Renders one typical template again and again, without anything kept. */
export function renderTemplates(seconds: number): Row {
  const { compiler } = { compiler: createTemplateCompiler({ goTemplate: true, options: ['missingkey=error'] }) };
  const render = compiler.compile('{{ .path.basename }}-{{ .name | lower | replace "_" "-" | trunc 40 }}');
  const started = performance.now();
  let count = 0;
  while (performance.now() - started < seconds * 1_000) {
    for (let index = 0; index < 1_000; index += 1) render({ path: { basename: `app-${index}` }, name: 'Cluster_One' });
    count += 1_000;
  }
  return { step: 'one template text, rendered', 'per second': Math.round(count / seconds) };
}
