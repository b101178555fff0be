/**
 * Looks for what belongs to no Application in the namespaces of those whose projects ask for it (Argo CD:
 * `orphanedResources`). It asks the API server nothing at all while no project does, never two requests at a time, and
 * changes nothing. What it found last stands, with its age, while it cannot look.
 */
import type { Clock } from '@wheelhouse/shared/async/clock';
import { type FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AssignmentDocument } from '@wheelhouse/shared/protocol/document';
import type { OrphanReport } from '@wheelhouse/shared/protocol/orphans';
import type { Heartbeat } from '@wheelhouse/shared/protocol/status';
import { compileRules, type OrphanRules } from './orphan-rules.ts';
import { type Claims, type Survey, type SurveyDeps, type SurveyedNamespace, surveyNamespaces } from './survey.ts';

export interface OrphansDeps {
  cluster: SurveyDeps['cluster'];
  clock: Clock;
  random: () => number;
  logger: Logger;
  applications: {
    /** What they call their own, as of now. */
    claims(): Claims;
    /** What there is to be said of one; undefined: nothing is asked, or known yet. Called again with the same. */
    tellOrphans(app: string, found: OrphanReport | undefined): void;
  };
}

export interface OrphansOptions {
  /** From the end of one survey to the next, give or take a tenth. Default 3 minutes, Argo CD's interval. */
  intervalMs?: number | undefined;
}

export interface Orphans extends AsyncDisposable {
  /** Goes by the newest document; surveys soon where that asks for something else. */
  follow(document: Pick<AssignmentDocument, 'apps' | 'orphans'>): void;
  /** The part of a heartbeat that says how old the reports are, and what is in the way of newer ones. */
  age(): NonNullable<Heartbeat['orphans']>;
}

const defaultIntervalMs = 180_000;
/** What was just assigned is known by then, and is not taken for somebody else's. */
const settleMs = 2_000;

interface Asked {
  /** Everything that decides what is looked at. */
  key: string;
  apps: readonly { app: string; namespace: string; project: string }[];
  namespaces: readonly SurveyedNamespace[];
}

const nothing: Asked = { key: '[]', apps: [], namespaces: [] };

export function createOrphans(deps: OrphansDeps, options: OrphansOptions = {}): Orphans {
  return new Surveyor(deps, options.intervalMs ?? defaultIntervalMs);
}

class Surveyor implements Orphans {
  readonly #deps: OrphansDeps;
  readonly #intervalMs: number;
  readonly #stop = new AbortController();
  #asked: Asked = nothing;
  #timer: Disposable | undefined;
  #running: Promise<void> | undefined;
  #surveyedAt: number | undefined;
  #problem: FleetError | undefined;

  constructor(deps: OrphansDeps, intervalMs: number) {
    this.#deps = deps;
    this.#intervalMs = intervalMs;
  }

  follow(document: Pick<AssignmentDocument, 'apps' | 'orphans'>): void {
    const next = readAsked(document);
    if (next.key === this.#asked.key) return;
    const places = new Map(next.apps.map((one) => [one.app, placeOf(one)]));
    for (const { app, ...place } of this.#asked.apps)
      if (places.get(app) !== placeOf(place)) this.#deps.applications.tellOrphans(app, undefined);
    this.#asked = next;
    // what was found before in the same place stands, with its age, until there is newer news
    if (next === nothing) this.#surveyedAt = undefined;
    this.#timer?.[Symbol.dispose]();
    if (next.apps.length > 0) this.#schedule(this.#settleMs());
  }

  age(): NonNullable<Heartbeat['orphans']> {
    const at = this.#surveyedAt;
    const problem = this.#asked === nothing ? undefined : this.#problem?.message;
    return {
      ...(at === undefined ? {} : { surveyedAt: new Date(at).toISOString() }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#timer?.[Symbol.dispose]();
    await this.#running;
  }

  #settleMs(): number {
    return Math.min(settleMs, this.#intervalMs);
  }

  #schedule(ms: number): void {
    this.#timer = this.#deps.clock.after(ms, () => {
      // one at a time: the one that runs schedules the next, by what is asked then
      this.#running ??= this.#survey().finally(() => (this.#running = undefined));
    });
  }

  async #survey(): Promise<void> {
    const { cluster, applications, random } = this.#deps;
    const asked = this.#asked;
    try {
      const found = await surveyNamespaces(
        { cluster, claims: applications.claims() },
        asked.namespaces,
        this.#stop.signal,
      );
      if (this.#stop.signal.aborted) return;
      if (asked === this.#asked) this.#take(asked, found);
      this.#tell(undefined);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#tell(error);
    }
    this.#timer?.[Symbol.dispose]();
    if (this.#asked.apps.length === 0) return;
    const isStale = asked !== this.#asked;
    this.#schedule(isStale ? this.#settleMs() : this.#intervalMs * (0.9 + 0.2 * random()));
  }

  #take({ apps }: Asked, found: Survey): void {
    const now = this.#deps.clock.now();
    this.#surveyedAt = now;
    const surveyedAt = new Date(now).toISOString();
    const carriers = carriersOf(apps);
    for (const { app, namespace, project } of apps) {
      const report = found.get(namespace)?.get(project);
      const itemsOf = carriers.get(placeOf({ namespace, project }));
      const own = itemsOf === app ? {} : { items: [], itemsOf };
      this.#deps.applications.tellOrphans(app, report && { ...report, surveyedAt, ...own });
    }
  }

  /** Once when it begins, and once when it is over. */
  #tell(error: unknown): void {
    const problem = error === undefined ? undefined : toFleetError(error);
    if (problem && problem.code !== this.#problem?.code)
      this.#deps.logger.warn({ err: problem }, 'cannot look for orphaned resources');
    if (!problem && this.#problem) this.#deps.logger.info('orphaned resources are looked for again');
    this.#problem = problem;
  }
}

/** Of all Applications of a project in a namespace, the one whose report has the items: the first by its id, so that it stays the same. */
function carriersOf(apps: Asked['apps']): Map<string, string> {
  const carriers = new Map<string, string>();
  for (const { app, ...place } of apps) {
    const known = carriers.get(placeOf(place));
    if (known === undefined || app < known) carriers.set(placeOf(place), app);
  }
  return carriers;
}

/** Neither a namespace nor a project has a slash in its name. */
function placeOf({ namespace, project }: { namespace: string; project: string }): string {
  return `${namespace}/${project}`;
}

/** Argo CD: the namespace of an Application is that of its destination; one that names none has no orphans. */
function readAsked({ apps, orphans = {} }: Pick<AssignmentDocument, 'apps' | 'orphans'>): Asked {
  const asking = apps.filter(({ ns, project }) => ns !== '' && Object.hasOwn(orphans, project));
  if (asking.length === 0) return nothing;
  const rules = new Map(Object.entries(orphans).map(([project, policy]) => [project, compileRules(policy)]));
  const namespaces = new Map<string, Map<string, OrphanRules>>();
  for (const { ns, project } of asking) {
    const projects = namespaces.get(ns) ?? new Map<string, OrphanRules>();
    namespaces.set(ns, projects.set(project, rules.get(project) as OrphanRules));
  }
  return {
    key: JSON.stringify([orphans, asking.map(({ app, ns, project }) => [app, ns, project])]),
    apps: asking.map(({ app, ns, project }) => ({ app, namespace: ns, project })),
    namespaces: [...namespaces].map(([namespace, projects]) => ({ namespace, rules: projects })),
  };
}
