/**
 * The command line `wheelhouse`: every group of commands, the options that all of them take, and how errors are shown.
 * Inputs: arguments and the process around them. It never decides what the hub decides; it asks and prints.
 */
import { type FleetError, toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { Command, CommanderError, Option } from 'commander';
import { addAgentCommand } from './commands/agent.ts';
import { addAppCommands } from './commands/app.ts';
import { addApplyCommands } from './commands/apply.ts';
import { addAppSetCommands } from './commands/appset.ts';
import { addClusterCommands } from './commands/cluster.ts';
import { addFailoverCommand } from './commands/failover.ts';
import { addHubCommand } from './commands/hub.ts';
import { addPlanCommands } from './commands/plan.ts';
import { addPreviewCommand } from './commands/preview.ts';
import { addProjectCommands } from './commands/project.ts';
import { addRepoCommands } from './commands/repo.ts';
import { addResourceCommands } from './commands/resource.ts';
import { addRolloutCommands } from './commands/rollout.ts';
import { addVersionCommand, clientVersion } from './commands/version.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-code.ts';
import type { Io } from './io.ts';
import { createRun, type GlobalOptions } from './session.ts';

/** Runs one command line to its end; every error is printed here. */
export async function runCli(args: readonly string[], around: Io): Promise<ExitCode> {
  const io = {
    ...around,
    out: (text: string) => around.out(visible(text)),
    err: (text: string) => around.err(visible(text)),
  };
  let code: ExitCode = exitCodes.ok;
  const program = createProgram(io, (exit) => {
    code = exit;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (io.signal.aborted) return exitCodes.interrupted;
    const failure = toFleetError(error);
    io.err(formatFailure(failure, program.opts<GlobalOptions>().verbose ?? false));
    return exitCodeOf(failure.code);
  }
}

/**
 * What comes from clusters and repositories may hold sequences that a terminal obeys: control characters are shown as
 * JSON writes them.
 */
function visible(text: string): string {
  return text.replaceAll(
    /(?![\n\t])\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function createProgram(io: Io, onExit: (code: ExitCode) => void): Command {
  const program = new Command('wheelhouse')
    .description('GitOps for fleets of Kubernetes clusters')
    .version(clientVersion(), '--version', 'of this command line alone; `wheelhouse version` asks the hub too')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json', 'yaml']).default('table'))
    .option('--server <url>', 'the hub’s API (WHEELHOUSE_SERVER)')
    .option('--token <token>', 'bearer token (WHEELHOUSE_TOKEN)')
    .option('--token-file <file>', 'file that holds the token (WHEELHOUSE_TOKEN_FILE)')
    .option('--ca-file <file>', 'CA of the hub’s certificate, PEM (WHEELHOUSE_CA_FILE)')
    .option('--context <file>', 'file that names server, token and CA (WHEELHOUSE_CONTEXT)')
    .option('-v, --verbose', 'show the details of an error')
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .exitOverride()
    .showHelpAfterError('(see --help)');
  const run = createRun(io, onExit);
  addHubCommand(program, io, run);
  addAgentCommand(program, io);
  addClusterCommands(program, run);
  addFailoverCommand(program, run);
  addPlanCommands(program, run);
  addApplyCommands(program, run);
  addAppCommands(program, run);
  addAppSetCommands(program, run);
  addRolloutCommands(program, run);
  addPreviewCommand(program, run);
  addProjectCommands(program, run);
  addRepoCommands(program, run);
  addResourceCommands(program, run);
  addVersionCommand(program, run);
  return program;
}

function formatFailure(error: FleetError, verbose: boolean): string {
  const line = `Error: ${error.message}\n`;
  if (!verbose) return line;
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) causes.push(`  cause: ${cause.message}\n`);
  return `${line}  code: ${error.code}\n  details: ${JSON.stringify(error.details)}\n${causes.join('')}`;
}
