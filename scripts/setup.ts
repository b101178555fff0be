// `npm run setup [-- PROFILE…]`: brings the programs that the profiles need and this machine lacks. Safe to run twice, also
// at once. Without a profile: all that `npm start` and `npm test` need.
import { join } from 'node:path';
import { toFleetError } from '@wheelhouse/shared/errors/fleet-error';
import { type ToolName, toolCache } from '@wheelhouse/test/support/tools';
import { exclusively } from './exclusive.ts';
import { buildTool, installPackage } from './install.ts';
import { findProgram, optional, type Profile, type Program, profiles, programs } from './programs.ts';

/** Programs of these profiles that are nowhere on this machine in a version that will do. */
async function findMissing(wanted: readonly Profile[]): Promise<Program[]> {
  const needed = programs.filter((program) => program.profiles.some((profile) => wanted.includes(profile)));
  const found = await Promise.all(needed.map(findProgram));
  return needed.filter((_, index) => found[index] === undefined);
}

async function setUp(wanted: readonly Profile[]): Promise<void> {
  if ((await findMissing(wanted)).length === 0) return;
  const lock = join(toolCache(), '.setup.lock');
  const onWait = (pid: number) => process.stderr.write(`waiting for the setup of process ${pid}\n`);
  await exclusively(lock, async () => install(await findMissing(wanted)), onWait);
}

/** Installs one after the other (a build takes all cores), and goes on after a failure so that all that is wrong is said at once. */
async function install(missing: readonly Program[]): Promise<void> {
  const byTool = new Map<ToolName, string[]>();
  const steps: (() => Promise<void>)[] = [];
  for (const { name, from } of missing) {
    if ('package' in from) steps.push(() => installPackage(from.package, name));
    else byTool.set(from.tool, [...(byTool.get(from.tool) ?? []), name]);
  }
  for (const [tool, binaries] of byTool) steps.push(() => buildTool(tool, binaries));
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      process.stderr.write(`setup: ${toFleetError(error).message}\n`);
      process.exitCode = 1;
    }
  }
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(profiles as readonly string[]).includes(name));
if (unknown.length > 0) {
  process.stderr.write(`setup: ${unknown.join(', ')} is not a profile; known: ${profiles.join(', ')}\n`);
  process.exitCode = 1;
} else {
  const wanted = asked.length > 0 ? (asked as Profile[]) : profiles.filter((name) => !optional.includes(name));
  await setUp(wanted);
  if (process.exitCode === undefined && asked.length === 0) process.stderr.write('setup: nothing is missing\n');
}
