import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { z } from 'zod';
import type { CliConfig, Environment } from './config.ts';

/** What a hub writes so that commands need no flags. Paths are relative to the file. */
const contextSchema = z.strictObject({
  server: z.url(),
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  caFile: z.string().optional(),
});

/** How to reach a hub. */
export interface Connection {
  server: string;
  token: string | undefined;
  /** PEM. */
  ca: string | undefined;
}

export interface Surroundings {
  env: Environment;
  cwd: string;
}

/**
 * Flags win over the environment, both over the context file: the one named, else `.wheelhouse/context.json` in the
 * current directory (the demo's), else `~/.config/wheelhouse/context.json`. A token goes only to the server that it is
 * for: a context's token is not sent to a server that was named another way.
 */
export async function findConnection(config: CliConfig, surroundings: Surroundings): Promise<Connection> {
  const { env, cwd } = surroundings;
  const named = config.context === undefined ? undefined : resolve(cwd, config.context);
  const files = named === undefined ? [join(cwd, '.wheelhouse', 'context.json'), defaultContextFile(env)] : [named];
  const context = await readContext(files, named !== undefined);
  const server = config.server ?? context?.server;
  if (!server)
    throw new FleetError(
      'Invalid',
      `no hub is known: start one with 'npm start' or 'wheelhouse hub', or name it with --server (looked for ${files.join(' and ')})`,
    );
  const own = server === context?.server ? context : {};
  return await readSecrets(server, { ...own, ...givenPaths(config, cwd) });
}

interface Places {
  token?: string | undefined;
  tokenFile?: string | undefined;
  caFile?: string | undefined;
}

/** What flags and environment say, which takes the place of the context's: a token of one, never the file of another. */
function givenPaths({ token, tokenFile, caFile }: CliConfig, cwd: string): Places {
  return {
    ...(token ? { token } : {}),
    ...(tokenFile && !token ? { token: undefined, tokenFile: resolve(cwd, tokenFile) } : {}),
    ...(caFile ? { caFile: resolve(cwd, caFile) } : {}),
  };
}

async function readSecrets(server: string, { token, tokenFile, caFile }: Places): Promise<Connection> {
  const read = tokenFile && !token ? (await readText(tokenFile, 'token')).trim() : token;
  return { server, token: read, ca: caFile ? await readText(caFile, 'CA certificate') : undefined };
}

async function readContext(files: string[], required: boolean): Promise<z.infer<typeof contextSchema> | undefined> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && !required) return undefined;
      throw new FleetError('Invalid', `context ${file} cannot be read: ${error.message}`, { cause: error });
    });
    if (text !== undefined) return parseContext(text, file);
  }
  return undefined;
}

function parseContext(text: string, file: string): z.infer<typeof contextSchema> {
  try {
    const { tokenFile, caFile, ...context } = contextSchema.parse(JSON.parse(text));
    const folder = dirname(file);
    return {
      ...context,
      ...(tokenFile === undefined ? {} : { tokenFile: resolve(folder, tokenFile) }),
      ...(caFile === undefined ? {} : { caFile: resolve(folder, caFile) }),
    };
  } catch (error) {
    const reason =
      error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : (error as Error).message;
    throw new FleetError('Malformed', `context ${file} is not a hub's context: ${reason}`, { cause: error });
  }
}

async function readText(file: string, what: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: Error) => {
    throw new FleetError('Invalid', `the ${what} cannot be read from ${file}: ${error.message}`, { cause: error });
  });
}

/** Where a hub started by hand leaves its context. */
export function defaultContextFile(env: Environment): string {
  return join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? '', '.config'), 'wheelhouse', 'context.json');
}
