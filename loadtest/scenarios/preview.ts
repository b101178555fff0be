import { sleep } from '@wheelhouse/shared/async/abort';
import { type ServedRepository, startGitServer } from '@wheelhouse/test/support/git-server';
import { type Platform, startPlatform } from '@wheelhouse/test/support/platform';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { startHollowFleet } from '../hollow-spoke/fleet.ts';
import { type Report, type Row, spentRow } from '../report/print.ts';
import { spend } from '../report/processes.ts';
import { matrixSet } from './matrix-set.ts';

/** Directories × clusters. A fifth of the directories are charts, as many kustomize overlays of one base, the rest plain. */
const shape = { directories: 100, clusters: 10 };

/** How long a person waits for what merging a branch would do to 1,000 Applications. */
export async function runPreview(): Promise<Report> {
  await using stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(await tempDir({ prefix: 'wheelhouse-bench-', memory: true }));
  const git = stack.use(await startGitServer());
  const repository = await git.createRepository('bench', filesOf(shape.directories));
  const platform = stack.use(await startPlatform({ dir, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const fleet = stack.use(
    await startHollowFleet(platform, { count: shape.clusters, dir, labels: () => ({ tier: 'prod' }) }),
  );
  const processes = () => ({ hub: platform.hubs.map((hub) => hub.pid), spokes: fleet.pids });
  await platform.apply(JSON.stringify(matrixSet({ repoURL: repository.url, templatePatch })));
  await waitSynced(platform, shape.directories * shape.clusters);
  const rows: Row[] = [];
  for (const { branch, files, what } of branches()) {
    await repository.git('branch', '--force', branch, 'main');
    await repository.commit(files, branch, branch);
    for (const turn of ['first', 'again']) {
      const asked = await spend(processes, async () => await preview(platform, repository, branch));
      const { added, changed, removed } = asked.result.counts;
      rows.push(spentRow(`${what}, ${turn}: ${added} added, ${changed} changed, ${removed} removed`, asked.spent));
    }
  }
  return { scenario: 'bench preview', options: shape, rows };
}

interface Preview {
  counts: { added: number; changed: number; removed: number };
}

async function preview(platform: Platform, { url }: ServedRepository, revision: string): Promise<Preview> {
  return await platform.api('POST', '/api/v1/fleet/preview', { repoURL: url, revision });
}

async function waitSynced(platform: Platform, count: number): Promise<void> {
  const deadline = performance.now() + 300_000;
  for (;;) {
    const { items } = await platform.api<{ items: { status: { sync: { status: string } } }[] | null }>(
      'GET',
      '/api/v1/applications?fields=items.status.sync.status',
    );
    const synced = (items ?? []).filter(({ status }) => status.sync.status === 'Synced').length;
    if (synced === count) return;
    if (performance.now() > deadline) throw new Error(`${synced} of ${count} Applications are Synced`);
    await sleep(500);
  }
}

function branches() {
  return [
    { branch: 'base', what: 'a kustomize base changed', files: { 'base/config.yaml': configMap('base', '2') } },
    { branch: 'value', what: 'a shared Helm value changed', files: { 'values.yaml': 'colour: blue\n' } },
    { branch: 'gone', what: 'a directory deleted', files: { 'apps/app-99/config.yaml': null } },
  ];
}

function filesOf(directories: number): Record<string, string> {
  const apps = Array.from({ length: directories }, (_, index) => filesOfApp(index));
  return Object.assign(
    {
      'base/kustomization.yaml': 'resources: [config.yaml]\n',
      'base/config.yaml': configMap('base', '1'),
      'values.yaml': 'colour: red\n',
    },
    ...apps,
  ) as Record<string, string>;
}

function filesOfApp(index: number): Record<string, string> {
  const folder = `apps/app-${index}`;
  if (index % 5 === 0)
    return {
      [`${folder}/Chart.yaml`]: `apiVersion: v2\nname: app-${index}\nversion: 1.0.0\n`,
      [`${folder}/templates/config.yaml`]: configMap(`chart-${index}`, '{{ .Values.colour }}'),
    };
  if (index % 5 === 1)
    return { [`${folder}/kustomization.yaml`]: `resources: [../../base]\nnamePrefix: app-${index}-\n` };
  return { [`${folder}/config.yaml`]: configMap(`app-${index}`, '1') };
}

function configMap(name: string, value: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {value: "${value}"}\n`;
}

/** The directories that are charts read the values that all share. */
const templatePatch = `{{- if hasPrefix "apps/app-" .path.path }}
{{- if eq (mod (trimPrefix "app-" .path.basename | int) 5) 0 }}
spec: { source: { helm: { valueFiles: [/values.yaml] } } }
{{- end }}
{{- end }}
`;
