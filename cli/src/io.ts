import type { Environment } from './config.ts';

/** The process around a command, so that a test can be one. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** All of standard input. */
  readInput(): Promise<string>;
  env: Environment;
  cwd: string;
  /** Aborts on Ctrl-C and SIGTERM. */
  signal: AbortSignal;
}
