import { formatRef, type KubeObject, refOf } from '@wheelhouse/shared/kube/object';

/** Tokens that say by their form what they are. Each reads a value in linear time: of a run of letters that may be long, only its beginning is tried. */
const formats: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['an AWS access key id', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40})/],
  ['a GitLab token', /\bglpat-[A-Za-z0-9_-]{20}/],
  ['a Slack token', /\bxox[abprs]-[A-Za-z0-9-]{10}/],
  ['a Stripe live key', /\b[rs]k_live_[A-Za-z0-9]{16}/],
  ['a Google API key', /\bAIza[0-9A-Za-z_-]{35}/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/],
  ['a SendGrid key', /\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}/],
  ['a JSON web token', /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{16}/],
  ['a private key', /-----BEGIN (?:[A-Z0-9]{1,12} ){0,2}PRIVATE KEY-----/],
];
const anyFormat = new RegExp(formats.map(([, { source }]) => source).join('|'));
const maxWarnings = 20;

/** Marks the warning, for its condition. */
export const tokenWarning = 'TokenInManifestWarning';

/**
 * One warning for each value of a ConfigMap, and each literal environment variable, that has the form of a token. It says
 * where and of what form, never what.
 */
export function warnOfTokens(manifests: readonly KubeObject[]): string[] {
  const found = manifests.flatMap((manifest) =>
    valuesOf(manifest).flatMap(([where, value]) => {
      const what = formatOf(value);
      if (what === undefined) return [];
      return `${tokenWarning}: ${formatRef(refOf(manifest))} has in ${where} what looks like ${what}: whoever reads the repository has it; revoke it, and refer to a Secret (SealedSecret, ExternalSecret)`;
    }),
  );
  if (found.length <= maxWarnings) return found;
  const more = `${tokenWarning}: ${found.length - maxWarnings} more values look like tokens`;
  return [...found.slice(0, maxWarnings), more];
}

function formatOf(value: string): string | undefined {
  if (!anyFormat.test(value)) return undefined;
  return formats.find(([, pattern]) => pattern.test(value))?.[0];
}

type Value = readonly [where: string, value: string];

function valuesOf(manifest: KubeObject): Value[] {
  if (manifest.kind === 'ConfigMap' && manifest.apiVersion === 'v1')
    return Object.entries(recordOf(manifest['data'])).map(([key, value]) => [`data.${key}`, String(value)]);
  return podSpecsOf(manifest).flatMap(environmentOf);
}

/** Of a Pod, of what makes Pods, and of a CronJob. */
function podSpecsOf(manifest: KubeObject): Record<string, unknown>[] {
  const spec = recordOf(manifest['spec']);
  const template = recordOf(recordOf(spec['template'])['spec']);
  const job = recordOf(recordOf(spec['jobTemplate'])['spec']);
  return [spec, template, recordOf(recordOf(job['template'])['spec'])];
}

function environmentOf(podSpec: Record<string, unknown>): Value[] {
  const containers = [podSpec['containers'], podSpec['initContainers']].flatMap(listOf);
  return containers.flatMap((container) =>
    listOf(container['env']).flatMap(({ name, value }): Value[] =>
      typeof value === 'string'
        ? [[`environment variable ${String(name)} of container ${String(container['name'])}`, value]]
        : [],
    ),
  );
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}
