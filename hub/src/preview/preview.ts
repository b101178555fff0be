/**
 * Preview: what merging a revision would do to the fleet, before it is merged. Inputs: a repository, the revision, and
 * what it is merged into. Generators are evaluated and sources rendered as they would be, by the same code, and compared
 * with what is desired now. It must never write anything: no revision, render or evaluation is kept of it.
 */
import { mapLimit } from '@wheelhouse/shared/async/limit';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { IndexedApplication } from '../assign/applications.ts';
import { inCluster } from '../assign/destination.ts';
import { resolve } from '../assign/resolve.ts';
import { cascades } from '../assign/withdraw.ts';
import { isHubObject, kindsOf } from '../render/render-stage.ts';
import { locationOf } from '../source/location.ts';
import type { RenderOutcome } from '../store/derived.ts';
import { type Bundle, type Bundles, type BundlesDeps, createBundles } from './bundles.ts';
import { compareBundles, type ObjectChange } from './compare-bundles.ts';
import { type ApplicationChange, type ChangeGroup, groupChanges } from './group-changes.ts';
import { lookAhead, type Outlook, type OutlookDeps, type PreviewProblem } from './outlook.ts';
import { type Overlay, type OverlayDeps, openOverlay, type PreviewRequest } from './overlay.ts';
import { previewedPart } from './previewed-part.ts';
import { addChildren, type SpecChanges } from './spec-changes.ts';

export type { PreviewRequest } from './overlay.ts';

export interface Preview {
  repoURL: string;
  revision: string;
  sha: string;
  baseSha: string;
  /** Applications: how many were looked at, and how many of them would change. */
  counts: { looked: number; added: number; changed: number; removed: number };
  groups: ChangeGroup[];
  /** Objects that automation would delete from clusters. */
  pruned: { app: string; cluster: string; objects: string[] }[];
  /** Removals that a deletion budget would hold. */
  held: Outlook['held'];
  /** What would fail or be refused that does not fail now: the last state would stay. */
  problems: PreviewProblem[];
}

export interface PreviewDeps extends OverlayDeps, OutlookDeps, BundlesDeps {
  specs: OutlookDeps['specs'];
  derived: OverlayDeps['derived'] & OutlookDeps['derived'] & BundlesDeps['derived'];
}

/** What the API offers; `concurrency` is renders at a time. */
export function createPreview(
  deps: PreviewDeps,
  concurrency: number,
): (request: PreviewRequest, signal: AbortSignal) => Promise<Preview> {
  return async (request, signal) => await preview(request, { ...deps, concurrency }, signal);
}

/** Depth of App of Apps that is followed. */
const maxRounds = 5;

/** Throws NotFound when nothing reads the repository, what fetching it throws, and Aborted. */
async function preview(
  request: PreviewRequest,
  deps: PreviewDeps & { concurrency: number },
  signal: AbortSignal,
): Promise<Preview> {
  using overlay = await openOverlay(request, deps, signal);
  const bundles = createBundles(overlay, deps, signal);
  const look = { overlay, bundles, deps, signal };
  const { outlook, changes } = await followParents(look);
  const compared = await compareAll(outlook, look);
  const applications = compared.flatMap(({ change }) => change ?? []);
  const count = (kind: ApplicationChange['kind']) => applications.filter((change) => change.kind === kind).length;
  return {
    repoURL: request.repoURL,
    revision: request.revision,
    sha: overlay.sha,
    baseSha: overlay.baseSha,
    counts: {
      looked: compared.length,
      added: count('added'),
      changed: count('changed'),
      removed: count('removed'),
    },
    groups: groupChanges(applications),
    pruned: compared.flatMap(({ pruned }) => pruned ?? []),
    held: outlook.held,
    problems: [...changes.problems, ...outlook.problems, ...compared.flatMap(({ problem }) => problem ?? [])],
  };
}

interface Look {
  overlay: Overlay;
  bundles: Bundles;
  deps: PreviewDeps & { concurrency: number };
  signal: AbortSignal;
}

/** Objects of the hub in changed bundles make other Applications, which may hold such objects in turn. */
async function followParents(look: Look): Promise<{ outlook: Outlook; changes: SpecChanges }> {
  const changes: SpecChanges = { put: new Map(), removed: new Map(), problems: [] };
  for (let round = 1; ; round += 1) {
    const outlook = await lookAhead(look.overlay, changes, look);
    if (round === maxRounds || !(await readParents(outlook, changes, look))) return { outlook, changes };
  }
}

async function readParents(outlook: Outlook, changes: SpecChanges, look: Look): Promise<boolean> {
  changes.problems = [];
  let isNew = false;
  for (const app of [...outlook.after.values()].filter((one) => one.cluster === inCluster.name && isDue(one, look))) {
    const bundle = await bundleOf(app, look);
    if (bundle && addChildren(app, bundle.manifests, { changes, specs: look.deps.specs })) isNew = true;
  }
  return isNew;
}

/** Undefined for a parent that cannot be rendered: it is found again, and said, when all are compared. Throws when stopped. */
async function bundleOf(app: IndexedApplication, { bundles, signal }: Look): Promise<Bundle | undefined> {
  try {
    return await bundles.after(app);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Whether the overlay or a spec change may make another bundle of it. */
function isDue(app: IndexedApplication, { overlay, deps }: Look): boolean {
  if (app.problem) return false;
  if (deps.applications.find(app.id) !== app) return true;
  const { request, sources } = previewedPart(app, overlay);
  const outcome = request && deps.derived.render(request.key);
  const besides = outcome?.record?.parts.flatMap(({ inputs }) => inputs.flatMap(({ from }) => from ?? [])) ?? [];
  return [...sources.map(locationOf), ...besides].some(overlay.replaces);
}

interface Compared {
  change?: ApplicationChange;
  pruned?: Preview['pruned'];
  problem?: PreviewProblem;
}

async function compareAll(outlook: Outlook, look: Look): Promise<Compared[]> {
  const differences = createDifferences();
  const due = [...outlook.after.values()]
    .filter((app) => isDue(app, look) || isNewlyRefused(app, look))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const changed = await mapLimit(due, look.deps.concurrency, async (app) => await compareOne(app, differences, look));
  const going = outlook.removed.sort((a, b) => (a.id < b.id ? -1 : 1));
  const removed = await mapLimit(going, look.deps.concurrency, async (app) => await leaving(app, look));
  return [...changed, ...removed];
}

function isNewlyRefused(app: IndexedApplication, { deps }: Look): boolean {
  return app.problem !== undefined && deps.applications.find(app.id)?.problem?.message !== app.problem.message;
}

async function compareOne(app: IndexedApplication, differences: Differences, look: Look): Promise<Compared> {
  if (app.problem) return { problem: problemOf(app, app.problem) };
  const present = look.deps.applications.find(app.id);
  try {
    if (present === app && (await look.bundles.isSame(app))) return {};
    const before = present && (await look.bundles.before(present));
    return compareWith(app, differences, { present, before, after: await look.bundles.after(app) });
  } catch (error) {
    look.signal.throwIfAborted();
    const problem = toFleetError(error, 'RenderFailed');
    return failsAlready(present, problem.message, look) ? {} : { problem: problemOf(app, problem) };
  }
}

interface Versions {
  present: IndexedApplication | undefined;
  before: Bundle | undefined;
  after: Bundle;
}

function compareWith(app: IndexedApplication, differences: Differences, versions: Versions): Compared {
  const { present, before, after } = versions;
  const refused = whyRefused(app, after);
  if (refused) return { problem: refused };
  const objects = differences(before, after);
  const stays = present !== undefined && present.cluster === app.cluster;
  if (stays && objects.length === 0) return {};
  const change = { app: app.id, cluster: app.cluster ?? '', kind: present ? 'changed' : 'added', objects } as const;
  return { change, ...prunedOf(app, objects) };
}

function failsAlready(present: IndexedApplication | undefined, message: string, { deps, overlay }: Look): boolean {
  const request = present && previewedPart(present, overlay).request;
  const outcome = request && deps.derived.render(request.key);
  return outcome?.problem?.message === message;
}

type Differences = (before: Bundle | undefined, after: Bundle) => ObjectChange[];

/** Compares each pair of bundles once. */
function createDifferences(): Differences {
  const known = new Map<string, ObjectChange[]>();
  return (before, after) => {
    const key = `${before?.digest} ${after.digest}`;
    const found = known.get(key) ?? compareBundles(before?.manifests ?? [], after.manifests);
    known.set(key, found);
    return found;
  };
}

function whyRefused(app: IndexedApplication, { digest, manifests }: Bundle): PreviewProblem | undefined {
  const key = 'preview';
  const record = { requestKey: key, digest, parts: [], warnings: [] };
  const kinds = kindsOf(manifests);
  const outcome = { requestKey: key, revisions: [''], record, kinds, warnings: [], ...restOf(digest, manifests) };
  const request = { key, facts: { appName: '', appNamespace: '', project: '', namespace: '' } };
  const { problems } = resolve(
    { ...app, request: app.request ? { ...app.request, key } : request },
    { derived: { render: () => outcome }, project: () => app.project },
  );
  const [problem] = problems;
  return problem && problemOf(app, problem);
}

/** What of it goes to a cluster, when some of it belongs to the hub; it is not stored, so its digest stands for nothing. */
function restOf(digest: string, manifests: Bundle['manifests']): Pick<RenderOutcome, 'rest'> {
  const rest = manifests.filter((manifest) => !isHubObject(manifest));
  return rest.length < manifests.length ? { rest: { digest, empty: rest.length === 0 } } : {};
}

function problemOf(app: IndexedApplication, { code, message }: { code: string; message: string }): PreviewProblem {
  return { object: `Application ${app.id}`, code, message };
}

function prunedOf(app: IndexedApplication, objects: readonly ObjectChange[]): Pick<Compared, 'pruned'> {
  const gone = objects.filter(({ kind }) => kind === 'removed');
  if (gone.length === 0 || !app.application.spec.syncPolicy?.automated?.prune) return {};
  return { pruned: [{ app: app.id, cluster: app.cluster ?? '', objects: gone.map(({ ref }) => formatObject(ref)) }] };
}

function formatObject({ kind, namespace, name }: ObjectChange['ref']): string {
  return `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}

/** An Application that would go, with the objects that go with it. */
async function leaving(app: IndexedApplication, { bundles }: Look): Promise<Compared> {
  const change = { app: app.id, cluster: app.cluster ?? '', kind: 'removed' } as const;
  if (!cascades(app.application)) return { change: { ...change, objects: [], leavesObjects: true } };
  const before = await bundles.before(app);
  const objects = compareBundles(before?.manifests ?? [], []);
  return { change: { ...change, objects } };
}
