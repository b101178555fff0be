import { readFile, realpath } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
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
 * for: a context's token is not sent to a server that was named another way. The current directory may be anybody's
 * checkout, so its context is not looked at when the server is named, or else its CA would be trusted for that server;
 * and it is sent only a token that lies beside it. Throws Invalid, Malformed, Forbidden.
 */
export async function findConnection(config: CliConfig, surroundings: Surroundings): Promise<Connection> {
  const { env, cwd } = surroundings;
  const isNamed = config.context !== undefined;
  const found = join(cwd, '.wheelhouse', 'context.json');
  const unnamed = config.server === undefined ? [found, defaultContextFile(env)] : [defaultContextFile(env)];
  const files = isNamed ? [resolve(cwd, config.context)] : unnamed;
  const { file, context } = await readContext(files, isNamed);
  const server = config.server ?? context?.server;
  if (!server)
    throw new FleetError(
      'Invalid',
      `no hub is known: start one with 'npm start' or 'wheelhouse hub', or name it with --server (looked for ${files.join(' and ')})`,
    );
  const own = server === context?.server ? context : {};
  if (file === found && !isNamed) await assertOwn(found, { config, own });
  return await readSecrets(server, { ...own, ...givenPaths(config, cwd) });
}

/** A file that came with a checkout must neither name secrets elsewhere on this machine nor a server to send a person's own token to. */
async function assertOwn(file: string, { config, own }: { config: CliConfig; own: Places }): Promise<void> {
  if (config.token || config.tokenFile)
    throw new FleetError(
      'Forbidden',
      `only ${file} names the hub, and it may be anybody's: name the hub with --server, or this file with --context, to send it your token`,
    );
  const folder = await realpath(dirname(file));
  for (const place of [own.tokenFile, own.caFile]) {
    const real = place === undefined ? undefined : await realpath(place).catch(() => place);
    if (real !== undefined && !real.startsWith(folder + sep))
      throw new FleetError(
        'Forbidden',
        `${file} names ${place}, which is not in its folder, and it may be anybody's: name the file with --context if it is yours`,
      );
  }
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

interface FoundContext {
  file?: string;
  context?: z.infer<typeof contextSchema>;
}

async function readContext(files: string[], required: boolean): Promise<FoundContext> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && !required) return undefined;
      throw new FleetError('Invalid', `context ${file} cannot be read: ${error.message}`, { cause: error });
    });
    if (text !== undefined) return { file, context: parseContext(text, file) };
  }
  return {};
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
