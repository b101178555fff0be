/** Argo CD: `argocd.argoproj.io/hook`, `helm.sh/hook`, delete policies and sync waves, as annotations say them. */
export type Phase = 'PreSync' | 'Sync' | 'PostSync' | 'SyncFail';
export type HookType = Phase | 'Skip';
export type DeletePolicy = 'HookSucceeded' | 'HookFailed' | 'BeforeHookCreation';
export type Annotations = Readonly<Record<string, string>>;

export const phases: readonly Phase[] = ['PreSync', 'Sync', 'PostSync', 'SyncFail'];

const hookTypes: readonly string[] = [...phases, 'Skip'];
const deletePolicies: readonly string[] = ['HookSucceeded', 'HookFailed', 'BeforeHookCreation'];

const helmHookTypes: Record<string, HookType> = {
  'pre-install': 'PreSync',
  'pre-upgrade': 'PreSync',
  'post-install': 'PostSync',
  'post-upgrade': 'PostSync',
};

const helmDeletePolicies: Record<string, DeletePolicy> = {
  'before-hook-creation': 'BeforeHookCreation',
  'hook-succeeded': 'HookSucceeded',
  'hook-failed': 'HookFailed',
};

const annotation = {
  hook: 'argocd.argoproj.io/hook',
  deletePolicy: 'argocd.argoproj.io/hook-delete-policy',
  wave: 'argocd.argoproj.io/sync-wave',
  helmHook: 'helm.sh/hook',
  helmDeletePolicy: 'helm.sh/hook-delete-policy',
  helmWeight: 'helm.sh/hook-weight',
} as const;

/** Helm's hooks count only where Argo CD's annotation names none that is known. */
export function hookTypesOf(annotations: Annotations): HookType[] {
  const own = [...new Set(csv(annotations[annotation.hook]))].filter((text) => hookTypes.includes(text));
  if (own.length > 0) return own as HookType[];
  return csv(annotations[annotation.helmHook]).flatMap((text) => helmHookTypes[text] ?? []);
}

/** An object that is never applied as such: its only hook type is Skip. */
export function isSkipped(annotations: Annotations): boolean {
  const types = hookTypesOf(annotations);
  return types.length === 1 && types[0] === 'Skip';
}

export function isHook(annotations: Annotations): boolean {
  if (annotations[annotation.hook] !== undefined) return !isSkipped(annotations);
  const helm = annotations[annotation.helmHook];
  return helm !== undefined && helm !== 'crd-install';
}

/** The phases that the object takes part in; a hook without a known phase takes part in none. */
export function phasesOf(annotations: Annotations): Phase[] {
  if (isSkipped(annotations)) return [];
  if (!isHook(annotations)) return ['Sync'];
  const types = hookTypesOf(annotations);
  return phases.filter((phase) => types.includes(phase));
}

export function deletePoliciesOf(annotations: Annotations): DeletePolicy[] {
  const own = csv(annotations[annotation.deletePolicy]).filter((text) => deletePolicies.includes(text));
  const helm = csv(annotations[annotation.helmDeletePolicy]).flatMap((text) => helmDeletePolicies[text] ?? []);
  const found = [...(own as DeletePolicy[]), ...helm];
  return found.length > 0 ? found : ['BeforeHookCreation'];
}

/** The sync wave, else Helm's hook weight, else 0. */
export function waveOf(annotations: Annotations): number {
  return parseWave(annotations[annotation.wave]) ?? parseWave(annotations[annotation.helmWeight]) ?? 0;
}

/** As Go's strconv.Atoi: a sign and digits that fit 64 bits. */
function parseWave(text: string | undefined): number | undefined {
  if (text === undefined || !/^[+-]?\d+$/.test(text)) return undefined;
  const wave = Number(text);
  return Math.abs(wave) < 2 ** 63 ? wave : undefined;
}

function csv(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
