import { readConfig } from '@wheelhouse/shared/config/read-config';
import { z } from 'zod';

const schema = z.object({
  /** URL of the hub's API. */
  server: z.url().optional(),
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  /** PEM of the CA that signed the hub's certificate. */
  caFile: z.string().optional(),
  /** File to read the three from instead. */
  context: z.string().optional(),
});

export type CliConfig = Readonly<z.infer<typeof schema>>;

/** The command line's own variables; those of the hub and the agent may stand beside them. */
export const cliVariables = [
  'WHEELHOUSE_SERVER',
  'WHEELHOUSE_TOKEN',
  'WHEELHOUSE_TOKEN_FILE',
  'WHEELHOUSE_CA_FILE',
  'WHEELHOUSE_CONTEXT',
] as const;

export type Environment = Record<string, string | undefined>;

/** The code host's own token, from the variable that its CI sets. */
export function readHostToken(
  env: Environment,
  host: 'github' | 'gitlab',
): { variable: string; token: string | undefined } {
  const variable = host === 'github' ? 'GITHUB_TOKEN' : 'GITLAB_TOKEN';
  return { variable, token: env[variable] };
}

/** Reads `WHEELHOUSE_SERVER` and its like; flags win. Throws Invalid. */
export function readCliConfig(env: Environment, flags: Partial<CliConfig>): CliConfig {
  const own = Object.fromEntries(cliVariables.map((variable) => [variable, env[variable]]));
  return readConfig(schema, { env: own, overrides: flags });
}
