import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createRenderer, type Renderer, type RenderRecord, renderRequestKey } from '@wheelhouse/hub/render/render';
import { createGitSource, materialise, type Snapshot } from '@wheelhouse/hub/source/source';
import { createLimit } from '@wheelhouse/shared/async/limit';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { ApplicationSource } from '@wheelhouse/shared/resources/application-source';
import { createGitRepository, type RepositoryFiles } from '@wheelhouse/test/support/git-repository';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { getTool } from '@wheelhouse/test/support/tools';
import type { Report, Row } from '../report/print.ts';

const run = promisify(execFile);
const repoURL = 'https://git.example/bench';
const signal = new AbortController().signal;
const parallel = availableParallelism();

interface Bench {
  renderer: Renderer;
  snapshot: Snapshot;
  /** A check-out, for what forks the tools itself. */
  checkout: string;
  /** Renders that were not answered from what was known. */
  rendered(): number;
}

/** Rates of rendering, cold and warm, and the same work by one process of the tool per Application, as Argo CD does it. */
export async function runRenderBench({ apps }: { apps: number }): Promise<Report> {
  await using stack = new AsyncDisposableStack();
  const count = Math.min(200, Math.max(10, Math.round(apps / 10)));
  const bench = await open(repositoryOf(apps, count), stack);
  const plain = (index: number) => ({ path: `plain/${index}` });
  const kustomize = (index: number) => ({ path: `kustomize/${index}` });
  const helm = (index: number) => ({ path: 'chart', helm: { releaseName: `r${index}`, namespace: 'n' } });
  const rows: Row[] = [
    ...(await coldAndWarm('plain YAML', bench, { count: apps, source: plain })),
    ...(await coldAndWarm('kustomize', bench, { count, source: kustomize })),
    await forked('kustomize build, one process each', bench, {
      count,
      command: (index) => [getTool('kustomize'), 'build', `kustomize/${index}`],
    }),
    ...(await coldAndWarm('Helm', bench, { count, source: helm })),
    await forked('helm template, one process each', bench, {
      count,
      command: (index) => [getTool('helm'), 'template', `r${index}`, 'chart', '--namespace', 'n', '--include-crds'],
    }),
    ...(await oneChartForMany(bench, 500)),
  ];
  return { scenario: 'bench render', options: { apps, toolApps: count, parallel }, rows };
}

interface Kind {
  count: number;
  source(index: number): Partial<ApplicationSource>;
}

async function coldAndWarm(what: string, bench: Bench, kind: Kind): Promise<Row[]> {
  const records: RenderRecord[] = [];
  const cold = await measure(kind.count, async (index) => {
    records[index] = (await render(bench, kind.source(index))).record;
  });
  const before = bench.rendered();
  let held = 0;
  const warm = await measure(kind.count, async (index) => {
    const record = records[index];
    if (record && (await bench.renderer.stillValid(record, () => Promise.resolve(bench.snapshot), signal))) held += 1;
    else await render(bench, kind.source(index));
  });
  return [
    { step: `${what}: ${kind.count} Applications, cold, each of its own`, ...cold },
    {
      step: `${what}: the same after an unrelated commit`,
      ...warm,
      'hit %': (held / kind.count) * 100,
      renders: bench.rendered() - before,
    },
  ];
}

async function forked(
  step: string,
  bench: Bench,
  { count, command }: { count: number; command(index: number): string[] },
): Promise<Row> {
  const spent = await measure(count, async (index) => {
    const [file = '', ...args] = command(index);
    await run(file, args, { cwd: bench.checkout, maxBuffer: 1 << 26 });
  });
  return { step, ...spent };
}

/** One chart with the same values on many clusters: the Applications differ in name and destination only. */
async function oneChartForMany(bench: Bench, count: number): Promise<Row[]> {
  const source: ApplicationSource = { repoURL, path: 'chart', helm: { releaseName: 'shared', namespace: 'n' } };
  const known = new Map<string, Promise<unknown>>();
  const before = bench.rendered();
  const shared = await measure(count, async (index) => {
    const facts = { appName: `app-${index}`, appNamespace: 'argocd', project: 'default', namespace: 'n' };
    const key = renderRequestKey([source], facts, ['Helm']);
    if (!known.has(key)) known.set(key, render(bench, source));
    await known.get(key);
  });
  return [
    { step: `one chart with one set of values on ${count} clusters`, ...shared, renders: bench.rendered() - before },
    await forked(`… by helm template, one process each`, bench, {
      count,
      command: () => [getTool('helm'), 'template', 'shared', 'chart', '--namespace', 'n', '--include-crds'],
    }),
  ];
}

async function render({ renderer, snapshot }: Bench, source: Partial<ApplicationSource>) {
  const sources = [{ source: { repoURL, ...source }, snapshot }];
  const facts = { appName: 'app', appNamespace: 'argocd', project: 'default', namespace: 'n' };
  return await renderer.render({ sources, facts, open: () => Promise.resolve(snapshot) }, signal);
}

/** As many at a time as a hub has jobs of this stage; the tools themselves are bounded by the renderer. */
async function measure(count: number, task: (index: number) => Promise<void>): Promise<Omit<Row, 'step'>> {
  const limit = createLimit(parallel * 4);
  const cpu = await cpuSeconds();
  const start = performance.now();
  await Promise.all(Array.from({ length: count }, async (_, index) => await limit(async () => await task(index))));
  const wall = (performance.now() - start) / 1_000;
  const spent = (await cpuSeconds()) - cpu;
  const round = (value: number, digits = 2) => Number(value.toFixed(digits));
  return {
    'wall s': round(wall),
    'per s': Math.round(count / wall),
    'CPU s': round(spent),
    'ms CPU each': round((spent / count) * 1_000),
  };
}

/** Of this process and of the one that starts tools for it, each with its children that ended, from /proc. */
async function cpuSeconds(): Promise<number> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
  const pids = ['self', ...children.split(' ').filter((pid) => pid !== '')];
  const ticks = await Promise.all(pids.map(ticksOf));
  return ticks.reduce((sum, one) => sum + one, 0) / 100;
}

async function ticksOf(pid: string): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
}

async function open(files: RepositoryFiles, stack: AsyncDisposableStack): Promise<Bench> {
  const { path } = stack.use(await tempDir({ memory: true }));
  const logger = createLogger({ name: 'bench', level: 'silent' });
  const { dir } = await createGitRepository(join(path, 'repository.git'), files);
  const options = { directory: join(path, 'git'), engine: 'native', rewrites: [], timeoutMs: 60_000 } as const;
  const git = stack.use(
    createGitSource({ logger }, { ...options, allowFileUrls: true, environment: { PATH: '/usr/bin:/bin' } }),
  );
  const { sha } = await git.fetch({ url: dir }, 'main', signal);
  const snapshot = await git.open({ url: dir }, sha, signal);
  const checkout = join(path, 'checkout');
  await materialise(snapshot, [''], { directory: checkout, limits: { maxBytes: 1 << 30, maxFiles: 1e6 }, signal });
  let rendered = 0;
  const metrics = { rendered: ({ outcome }: { outcome: string }) => void (rendered += outcome === 'rendered' ? 1 : 0) };
  const tools = {
    kustomize: getTool('kustomize'),
    helm: getTool('helm'),
    versions: { kustomize: '5.8.1', helm: '4.1.4' },
  };
  const renderer = stack.use(createRenderer({ logger, metrics }, { tools, concurrency: parallel }));
  return { renderer, snapshot, checkout, rendered: () => rendered };
}

function repositoryOf(apps: number, toolApps: number): RepositoryFiles {
  const files: Record<string, string> = {
    'chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
    'chart/values.yaml': 'replicas: 2\nimage: registry.example/web:1\n',
    'chart/templates/deployment.yaml': deployment('{{ .Release.Name }}', '{{ .Values.replicas }}'),
    'chart/templates/service.yaml': service('{{ .Release.Name }}'),
    'base/kustomization.yaml': 'resources: [deployment.yaml, service.yaml]\n',
    'base/deployment.yaml': deployment('web', '2'),
    'base/service.yaml': service('web'),
  };
  for (let index = 0; index < apps; index += 1)
    files[`plain/${index}/config.yaml`] =
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c-${index}}\ndata:\n  text: "${'x'.repeat(2_000)}"\n`;
  for (let index = 0; index < toolApps; index += 1)
    files[`kustomize/${index}/kustomization.yaml`] = `resources: [../../base]\nnamePrefix: p${index}-\n`;
  return files;
}

function deployment(name: string, replicas: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name.startsWith('{') ? `"${name}"` : name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web:1, ports: [{containerPort: 8080}]}]}
`;
}

function service(name: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: ${name.startsWith('{') ? `"${name}"` : name}}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n`;
}
