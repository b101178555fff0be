import type { Environment } from './config.ts';

/** The process around a command, so that a test can be one. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Asks the person at the terminal; undefined where there is none. */
  ask(question: string): Promise<string | undefined>;
  /** All of standard input. */
  readInput(): Promise<string>;
  env: Environment;
  cwd: string;
  /** Aborts on Ctrl-C and SIGTERM. */
  signal: AbortSignal;
}
