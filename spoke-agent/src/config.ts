import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseDuration } from '@wheelhouse/shared/config/duration';
import { readConfig } from '@wheelhouse/shared/config/read-config';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { isLabelKey, isLabelValue } from '@wheelhouse/shared/kube/label-syntax';
import { maxOwnLabels } from '@wheelhouse/shared/protocol/inventory';
import { z } from 'zod';

const labels = z.string().transform((text, context) => {
  const pairs = text.split(',').map((pair) => pair.trim().split('='));
  for (const [key = '', value, more] of pairs)
    if (!isLabelKey(key) || value === undefined || !isLabelValue(value) || more !== undefined)
      context.addIssue(`'${text}' is not key=value, separated by commas, in the syntax of labels`);
  if (pairs.length > maxOwnLabels) context.addIssue(`are more than ${maxOwnLabels}`);
  return Object.fromEntries(pairs.map(([key = '', value = '']) => [key, value]));
});

const schema = z.object({
  /** Enrolment token; needed the first time only. */
  token: z.string().optional(),
  /** Name that this cluster takes, where its token leaves a choice. */
  clusterName: z.string().optional(),
  /** Where identity, documents, bundles and records are kept; one for each agent. */
  stateDir: z.string().default(join(homedir(), '.local', 'share', 'wheelhouse', 'agent')),
  /** A kubeconfig file. Default: the service account of the Pod, else the user's own. */
  kubeconfig: z.string().optional(),
  /** Context of the kubeconfig. Default: its current one. */
  context: z.string().optional(),
  /** Run a simulated cluster in memory instead. */
  simulate: z.stringbool().default(false),
  /** Serve the simulated cluster's API on this port of 127.0.0.1, to break things by hand. */
  simulatePort: z.coerce.number().int().min(0).max(65_535).optional(),
  /** Labels that it asks the hub to give its cluster, `key=value` separated by commas; the hub takes those that it allows. */
  labels: labels.optional(),
  /** How often orphaned resources are looked for, where a project asks for them, in ms. */
  orphansInterval: z
    .string()
    .default('3m')
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= 1_000) return ms;
      context.addIssue(`'${text}' is no duration of a second or more, as 3m`);
      return z.NEVER;
    }),
  /** A file that is rewritten every 10 s while the agent is alive, for a container's health check. */
  healthFile: z.string().optional(),
  /** OTLP over HTTP, as http://127.0.0.1:4318. */
  otlpEndpoint: z.url().optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

export type AgentConfig = Readonly<z.infer<typeof schema>>;

/** Settings from `WHEELHOUSE_*` variables and flags of the same names (`--state-dir`); flags win. Throws Invalid. */
export function readAgentConfig(
  env: Record<string, string | undefined> = process.env,
  args: readonly string[] = process.argv.slice(2),
): AgentConfig {
  return readConfig(schema, { env, overrides: readFlags(args) });
}

/** What may be logged: the token is only said to be set. */
export function redactAgentConfig(config: AgentConfig): Record<string, unknown> {
  return { ...config, token: config.token === undefined ? undefined : '[set]' };
}

function readFlags(args: readonly string[]): Record<string, unknown> {
  const fields = Object.keys(schema.shape);
  const options = Object.fromEntries(
    fields.map((field) => [formatFlag(field), { type: field === 'simulate' ? 'boolean' : 'string' } as const]),
  );
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    return Object.fromEntries(
      fields.flatMap((field) => {
        const value = values[formatFlag(field)];
        return value === undefined ? [] : [[field, String(value)]];
      }),
    );
  } catch (cause) {
    throw new FleetError('Invalid', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function formatFlag(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
