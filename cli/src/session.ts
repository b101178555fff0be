import type { Command } from 'commander';
import { type Client, createClient } from './client.ts';
import { readCliConfig } from './config.ts';
import { findConnection } from './context.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import type { Io } from './io.ts';
import { formatOutput, type OutputFormat } from './output.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  output: OutputFormat;
  server?: string;
  token?: string;
  tokenFile?: string;
  caFile?: string;
  context?: string;
  verbose?: boolean;
}

/** What a command works with. */
export interface Session {
  io: Io;
  client: Client;
  format: OutputFormat;
  /** Prints a value in the format asked for; `table` makes the text for people. */
  print(value: unknown, table: () => string): void;
  /** Says what was done of one of several objects: a line at once for people, else an item of the list that is printed at the end. */
  tell(item: Told, line: string): void;
}

export interface Told {
  name: string;
  outcome: string;
  /** The line goes to standard error. */
  failed?: boolean;
}

type Work<A extends unknown[], O> = (session: Session, args: A, options: O) => Promise<ExitCode | void>;

/** Makes a commander action of a function that talks to the hub. */
export type Run = <A extends unknown[], O = object>(work: Work<A, O>) => (...given: unknown[]) => Promise<void>;

/** `onExit` gets the code that a command ended with. */
export function createRun(io: Io, onExit: (code: ExitCode) => void): Run {
  return (work) =>
    async (...given) => {
      const command = given.at(-1) as Command;
      const options = command.optsWithGlobals<GlobalOptions>();
      const { output: format, server, token, tokenFile, caFile, context } = options;
      const flags = { server, token, tokenFile, caFile, context };
      const present = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
      await using client = createClient(await findConnection(readCliConfig(io.env, present), io), io.signal);
      const print = (value: unknown, table: () => string) => io.out(formatOutput(value, format, table));
      const told: Told[] = [];
      const tell = (item: Told, line: string) => {
        if (format === 'table') (item.failed ? io.err : io.out)(line);
        else told.push(item);
      };
      try {
        const code = await work({ io, client, format, print, tell }, command.processedArgs as never, options as never);
        onExit(code ?? exitCodes.ok);
      } finally {
        // also what was done before something else failed
        if (told.length > 0) print(told, () => '');
      }
    };
}
