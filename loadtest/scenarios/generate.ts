import { sleep } from '@wheelhouse/shared/async/abort';
import { startGitServer } from '@wheelhouse/test/support/git-server';
import { type Platform, startPlatform } from '@wheelhouse/test/support/platform';
import { tempDir } from '@wheelhouse/test/support/temp-dir';
import { startHollowFleet } from '../hollow-spoke/fleet.ts';
import { type Report, type Row, spentRow } from '../report/print.ts';
import { pidsOf, spend } from '../report/processes.ts';
import { evaluateLargeSet, renderTemplates } from './generate-set.ts';
import { matrixSet } from './matrix-set.ts';

/** Directories × clusters; those of the published Argo CD figures. */
const shapes = [
  { directories: 10, clusters: 10 },
  { directories: 100, clusters: 10 },
  { directories: 500, clusters: 10 },
];

/** One large set in this process; then, over the API of a hub, how long until every Application is as its set says. */
export async function runGenerate(): Promise<Report> {
  const rows: Row[] = [...(await evaluateLargeSet(1_000, 100)), renderTemplates(3)];
  for (const shape of shapes) rows.push(...(await throughHub(shape)));
  return { scenario: 'bench generate', options: {}, rows };
}

async function throughHub({ directories, clusters }: (typeof shapes)[number]): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(await tempDir({ prefix: 'wheelhouse-bench-', memory: true }));
  const git = stack.use(await startGitServer());
  const files = Array.from({ length: directories }, (_, index) => [`apps/app-${index}/config.yaml`, manifest]);
  const repository = await git.createRepository('bench', Object.fromEntries(files) as Record<string, string>);
  const platform = stack.use(await startPlatform({ dir, hubEnv: { WHEELHOUSE_POLL_INTERVAL: '1h' } }));
  const fleet = stack.use(
    await startHollowFleet(platform, { count: clusters, dir, labels: () => ({ tier: 'prod', region: 'r0' }) }),
  );
  const processes = () => pidsOf(platform, fleet);
  const total = directories * clusters;
  const created = await spend(processes, async () => {
    await platform.apply(applicationSet(repository.url, 'one'));
    await waitLabelled(platform, 'version=one', total);
  });
  await settle(platform, total);
  const changed = await spend(processes, async () => {
    await platform.apply(applicationSet(repository.url, 'two'));
    await waitLabelled(platform, 'version=two', total);
  });
  await settle(platform, total);
  const [cluster = ''] = fleet.names;
  const relabelled = await spend(processes, async () => {
    await platform.api('PATCH', `/api/v1/fleet/clusters/${cluster}/labels`, { labels: { region: 'moved' } });
    await waitLabelled(platform, 'region=moved', directories);
  });
  const step = (what: string) => `${total} Applications (${directories} × ${clusters}): ${what}`;
  return [
    spentRow(step('the set applied → all visible'), created.spent),
    spentRow(step('a label of the template changed → all visible'), changed.spent),
    spentRow(step(`one cluster relabelled → its ${directories} visible`), relabelled.spent),
  ];
}

/** Lets what was set off come to rest, so that the next step is measured alone. */
async function settle(platform: Platform, total: number): Promise<void> {
  await waitLabelled(platform, 'app', total);
  await sleep(4_000);
}

async function waitLabelled(platform: Platform, selector: string, count: number): Promise<void> {
  const deadline = performance.now() + 300_000;
  const path = `/api/v1/applications?limit=1&selector=${encodeURIComponent(selector)}`;
  for (;;) {
    const { items, metadata } = await platform.api<{
      items: unknown[] | null;
      metadata: { remainingItemCount?: number };
    }>('GET', path);
    const found = (items?.length ?? 0) + (metadata.remainingItemCount ?? 0);
    if (found === count) return;
    if (performance.now() > deadline) throw new Error(`${found} of ${count} Applications have ${selector}`);
    await sleep(20);
  }
}

const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config\ndata:\n  a: "1"\n';

/** As it is applied: JSON is YAML. `version` shows which of two was the last. */
function applicationSet(repoURL: string, version: string): string {
  const labels = { app: '{{ .path.basename }}', region: '{{ .metadata.labels.region }}', version };
  return JSON.stringify(matrixSet({ repoURL, labels, namespace: '{{ .path.basename }}' }));
}
