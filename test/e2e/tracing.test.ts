// One trace from a push to Healthy, as a real Jaeger shows it: the hub's part and the spoke's part are one.
import { spans } from '@wheelhouse/shared/telemetry/tracing';
import { fetch } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { whenSettled } from '../support/applications.ts';
import { eventually } from '../support/eventually.ts';
import { type ServedRepository, startGitServer } from '../support/git-server.ts';
import { type Jaeger, startJaeger } from '../support/jaeger.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { sendPush } from '../support/push-event.ts';

const stack = new AsyncDisposableStack();
let jaeger: Jaeger;
let platform: Platform;
let repository: ServedRepository;

beforeAll(async () => {
  jaeger = stack.use(await startJaeger());
  const git = stack.use(await startGitServer());
  repository = await git.createRepository('shop', { 'services/cart/app.yaml': deployment('cart', 1) });
  const tracing = { WHEELHOUSE_OTLP_ENDPOINT: jaeger.otlpUrl };
  platform = stack.use(await startPlatform({ hubEnv: { ...tracing, WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  await platform.startSpoke('east', { env: tracing });
  await platform.apply(applicationSet(repository.url));
  await whenSettled(platform, { names: ['cart'] });
});
afterAll(async () => await stack.disposeAsync());

/** The stages in the life of a commit. */
const everySpan = Object.values(spans).filter(
  (name) => !/^(plan|rollout)\.|^appset\.delete$|^source\.hydrate$/.test(name),
);
const bySpoke: string[] = [spans.spokeReceive, spans.appApply, spans.appHealthy];

test.each([
  ['changes an Application', { 'services/cart/app.yaml': deployment('cart', 2) }, ['cart']],
  ['adds an Application', { 'services/till/app.yaml': deployment('till', 1) }, ['cart', 'till']],
])('a push that %s is one trace until it is Healthy', async (_what, files, names) => {
  const sha = await repository.commit(files, 'Change what runs');
  await sendPush(platform, repository.url, sha);
  await whenSettled(platform, { names });

  const trace = await eventually(async () => await findTrace(sha), { intervalMs: 250 });

  expect([...new Set(trace.map(({ name }) => name))].sort()).toEqual([...everySpan].sort());
  for (const { name, service } of trace)
    expect([name, service]).toEqual([name, bySpoke.includes(name) ? 'spoke-agent' : 'hub']);
  expect(rootsOf(trace)).toEqual([spans.sourceFetch]);
});

test('a push to a dry source is one trace, over the branch that it is hydrated to, until it is Healthy', async () => {
  await repository.commit({ 'dry/app.yaml': deployment('wet', 1) }, 'Add a dry source');
  await platform.apply(hydrated(repository.url));
  const names = ['cart', 'till', 'wet'];
  await whenSettled(platform, { names });
  const sha = await repository.commit({ 'dry/app.yaml': deployment('wet', 2) }, 'Change what runs');
  await sendPush(platform, repository.url, sha);

  await eventually(
    async () => {
      const trace = await findTrace(sha);
      const hydratedSHA = await repository.git('rev-parse', 'environments/east');
      const tagOf = (span: string, tag: string) =>
        trace.filter(({ name }) => name === span).map(({ tags }) => tags[tag]);
      expect(tagOf(spans.sourceHydrate, 'revision')).toEqual([sha]);
      expect(new Set(tagOf(spans.appRender, 'revision'))).toEqual(new Set([sha, hydratedSHA]));
      expect(rootsOf(trace)).toEqual([spans.sourceFetch]);
    },
    { intervalMs: 250 },
  );
});

interface Span {
  id: string;
  parent: string | undefined;
  name: string;
  service: string;
  tags: Record<string, unknown>;
}

interface JaegerTrace {
  spans: {
    spanID: string;
    operationName: string;
    processID: string;
    references: { refType: string; spanID: string }[];
    tags: { key: string; value: unknown }[];
  }[];
  processes: Record<string, { serviceName: string }>;
}

/** The trace in which this commit was rendered; throws until it has all its spans. */
async function findTrace(sha: string): Promise<Span[]> {
  const response = await fetch(`${jaeger.queryUrl}/api/traces?service=hub&operation=${spans.appRender}&limit=100`);
  const { data } = (await response.json()) as { data: JaegerTrace[] };
  const found = data
    .map(readTrace)
    .find((trace) => trace.some(({ name, tags }) => name === spans.appRender && tags['revision'] === sha));
  if (!found) throw new Error(`no trace has the render of ${sha}`);
  const missing = everySpan.filter((name) => !found.some((span) => span.name === name));
  if (missing.length > 0) throw new Error(`the trace of ${sha} lacks ${missing.join(', ')}`);
  // hub and agents hand in their spans apart: a child may be there before its parent
  const roots = rootsOf(found);
  if (roots.length > 1) throw new Error(`the trace of ${sha} has several roots: ${roots.join(', ')}`);
  return found;
}

/** Names of the spans whose parent is not in the trace. */
function rootsOf(trace: readonly Span[]): string[] {
  return trace.filter(({ parent }) => !trace.some(({ id }) => id === parent)).map(({ name }) => name);
}

function readTrace(trace: JaegerTrace): Span[] {
  return trace.spans.map(({ spanID, operationName, processID, references, tags }) => ({
    id: spanID,
    parent: references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
    name: operationName,
    service: trace.processes[processID]?.serviceName ?? '',
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
  }));
}

function deployment(name: string, replicas: number): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: ${name}, image: example.com/${name}}]}
`;
}

function hydrated(repoURL: string): string {
  return `apiVersion: v1
kind: Secret
metadata: {name: writer, namespace: argocd, labels: {argocd.argoproj.io/secret-type: repository-write}}
stringData: {url: '${repoURL}'}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: wet, namespace: argocd}
spec:
  project: default
  sourceHydrator:
    drySource: {repoURL: '${repoURL}', targetRevision: main, path: dry}
    syncSource: {targetBranch: environments/east, path: wet}
  destination: {name: east, namespace: default}
  syncPolicy: {automated: {}}
`;
}

function applicationSet(repoURL: string): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop, namespace: argocd}
spec:
  generators:
    - git: {repoURL: '${repoURL}', revision: main, directories: [{path: 'services/*'}]}
  template:
    metadata: {name: '{{path.basename}}'}
    spec:
      project: default
      source: {repoURL: '${repoURL}', targetRevision: main, path: '{{path}}'}
      destination: {name: east, namespace: default}
      syncPolicy: {automated: {}}
`;
}
