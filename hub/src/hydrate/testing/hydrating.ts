import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import type { SourceHydrator } from '@wheelhouse/shared/resources/application-source';
import { createHubState, type HubState, logger, outcomeOf, repoURL } from '../../testing/hub-state.ts';
import type { BranchWrite, Written } from '../branches.ts';
import { type HydrateDeps, runHydrate } from '../hydrate-stage.ts';
import type { HydrationRecord } from '../hydration-store.ts';
import { hydratedApplication } from './hydrated-application.ts';

export const signal: AbortSignal = new AbortController().signal;
export const by = { by: 'ann' };
export const main = { repoURL, targetRevision: 'main' };

const configMap = (name: string, text: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { text },
});

/** The stage with a state of its own, in which renders and branches are what the test says. */
export interface Hydrating {
  state: HubState;
  /** What the dry source of each Application comes to: text, or why it does not render. */
  texts: Record<string, string | FleetError>;
  /** Requests that were rendered, by what they held then. */
  current: Map<string, string>;
  pushes: { at: object; wanted: BranchWrite }[];
  answer(wanted: BranchWrite): Written | Promise<Written>;
  audited: object[];
  outcomes: string[];
  /** Version of the login that writes. */
  writer: string;
  commit(sha: string): Promise<void>;
  put(name: string, text: string | FleetError, sync?: Partial<SourceHydrator['syncSource']>): Promise<void>;
  /** As the stage that renders: records the outcome of what lies there now. */
  render(key: string): Promise<void>;
  deps(fields?: Partial<HydrateDeps>): HydrateDeps;
  /** Keys of the branches that are written to. */
  keys(): string[];
  /** Runs the job of each branch. */
  run(fields?: Partial<HydrateDeps>): Promise<void>;
  record(): HydrationRecord | undefined;
  /** Of the newest write. */
  folders(): string[] | undefined;
}

/** With dry commit `dry1`, and no Application yet. */
export async function createHydrating(): Promise<Hydrating> {
  const state = await createHubState();
  const bundles = new Map<string, Buffer>();
  const nameOf = (key: string) => state.applications.byRequest(key)[0]?.application.metadata.name ?? '';
  const parts: Hydrating = {
    state,
    texts: {},
    current: new Map(),
    pushes: [],
    answer: ({ folders }) => ({ sha: `wet${parts.pushes.length}`, changed: folders.map(({ path }) => path) }),
    audited: [],
    outcomes: [],
    writer: 'one',
    commit: async (sha) => {
      await state.derived.putRevision({ ...main, sha, message: `Change ${sha}`, author: 'Ann <ann@example.com>' });
      parts.current.clear();
    },
    put: async (name, text, sync = {}) => {
      parts.texts[name] = text;
      await state.specs.put(hydratedApplication(name, { sync }), by);
      const names = Object.keys(parts.texts);
      await state.derived.putDiscovery({ ...main, types: Object.fromEntries(names.map((one) => [one, 'Kustomize'])) });
    },
    render: async (key) => {
      const text = parts.texts[nameOf(key)];
      const before = state.derived.render(key);
      if (text instanceof FleetError) {
        const { code, message } = text;
        await state.derived.putRender({
          requestKey: key,
          kinds: [],
          warnings: [],
          ...before,
          problem: { code, message },
        });
        if (text.retryable) throw text;
        return;
      }
      const bytes = Buffer.from(canonicalJson([configMap(nameOf(key), text ?? '')]));
      bundles.set(digestOf(bytes), bytes);
      parts.current.set(key, digestOf(bytes));
      await state.derived.putRender(outcomeOf(key, digestOf(bytes)));
    },
    deps: (fields = {}) => ({ ...depsOf(parts, bundles), ...fields }),
    keys: () => [...new Set([...state.applications.list()].flatMap(({ hydration }) => hydration?.branchKey ?? []))],
    run: async (fields = {}) => {
      for (const key of parts.keys()) await runHydrate({ key }, parts.deps(fields), signal);
    },
    record: () => state.hydrations.list()[0],
    folders: () => parts.pushes.at(-1)?.wanted.folders.map(({ path }) => path),
  };
  await parts.commit('dry1');
  return parts;
}

function depsOf(parts: Hydrating, bundles: ReadonlyMap<string, Buffer>): HydrateDeps {
  return {
    logger,
    ...parts.state,
    open: async () => ({ sha: '', [Symbol.dispose]: () => undefined }) as never,
    resolve: async () => undefined,
    renderer: { stillValid: async ({ requestKey, digest }) => parts.current.get(requestKey) === digest },
    render: async ({ key }) => await parts.render(key),
    bundle: async (digest) => bundles.get(digest) ?? Buffer.from('[]'),
    branches: {
      write: async (at, wanted) => {
        parts.pushes.push({ at, wanted });
        const written = await parts.answer(wanted);
        if (written.changed.length > 0) await wanted.announce(written);
        return written;
      },
    },
    settings: () => ({ authorName: 'Bot', authorEmail: 'bot@example.com' }),
    versionOfWriter: () => parts.writer,
    random: () => 0.5,
    audit: async (entry) => void parts.audited.push(entry),
    observe: ({ outcome }) => void parts.outcomes.push(outcome),
  };
}
