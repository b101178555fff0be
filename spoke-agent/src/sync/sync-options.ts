import type { Propagation } from '../cluster/cluster.ts';
import type { Annotations } from './hooks.ts';

/** Options by name, of an Application or of one resource's annotation; a resource's own win. */
export type SyncOptions = ReadonlyMap<string, string>;

const annotation = 'argocd.argoproj.io/sync-options';

/** Argo CD: `Name=value` items, as in `spec.syncPolicy.syncOptions`. */
export function parseSyncOptions(items: readonly string[]): SyncOptions {
  return new Map(
    items.map((item) => {
      const [name = '', value = ''] = item.split('=');
      return [name.trim(), value.trim()] as const;
    }),
  );
}

/** Those of a resource; Helm's `resource-policy: keep` is Delete=false. */
export function resourceOptions(annotations: Annotations): SyncOptions {
  const text = annotations[annotation];
  const keep = annotations['helm.sh/resource-policy'] === 'keep' ? ['Delete=false'] : [];
  return text || keep.length > 0 ? parseSyncOptions([...keep, ...(text ? text.split(',') : [])]) : none;
}

const none: SyncOptions = new Map();

export function optionOf(name: string, app: SyncOptions, resource: SyncOptions = none): string | undefined {
  return resource.get(name) ?? app.get(name);
}

export function isOn(name: string, app: SyncOptions, resource?: SyncOptions): boolean {
  return optionOf(name, app, resource) === 'true';
}

/** Argo CD: Validate=false accepts unknown fields; else they are refused by name. */
export function validationOf(app: SyncOptions, resource: SyncOptions): 'Strict' | 'Ignore' {
  return optionOf('Validate', app, resource) === 'false' ? 'Ignore' : 'Strict';
}

/** Argo CD: PrunePropagationPolicy, default foreground. */
export function propagationOf(app: SyncOptions): Propagation {
  const policy = app.get('PrunePropagationPolicy');
  if (policy === 'background') return 'Background';
  return policy === 'orphan' ? 'Orphan' : 'Foreground';
}

const supported: Record<string, readonly string[]> = {
  Validate: ['true', 'false'],
  CreateNamespace: ['true', 'false'],
  PrunePropagationPolicy: ['foreground', 'background', 'orphan'],
  PruneLast: ['true', 'false'],
  Prune: ['true', 'false'],
  Delete: ['true', 'false'],
  Force: ['true', 'false'],
  Replace: ['false'],
  ServerSideApply: ['true'],
  ClientSideApplyMigration: ['false'],
  ApplyOutOfSyncOnly: ['true', 'false'],
  RespectIgnoreDifferences: ['true', 'false'],
  SkipDryRunOnMissingResource: ['true', 'false'],
  FailOnSharedResource: ['true', 'false'],
};

const reasons: Record<string, string> = {
  'Replace=true': 'replacing is not built yet; it is applied server-side',
  'ServerSideApply=false': 'client-side apply does not exist here; it is applied server-side',
  'Prune=confirm': 'confirmation is not built yet; it is kept until the option says otherwise',
  'Delete=confirm': 'confirmation is not built yet; it is kept until the option says otherwise',
  'ClientSideApplyMigration=true': 'fields of kubectl-client-side-apply are not migrated yet',
};

/** What of these options is not done as written, each with the reason. */
export function unsupportedOptions(options: SyncOptions): string[] {
  return [...options]
    .filter(([name, value]) => !supported[name]?.includes(value))
    .map(
      ([name, value]) =>
        `sync option ${name}=${value}: ${reasons[`${name}=${value}`] ?? 'not known; it has no effect'}`,
    );
}
