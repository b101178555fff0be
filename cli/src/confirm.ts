import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Io } from './io.ts';

/** Asks a person. Throws Invalid where nobody can answer: a script says `--yes`. Returns whether the answer was yes. */
export async function confirm(io: Io, question: string): Promise<boolean> {
  const answer = await io.ask(`${question} [y/N] `);
  if (answer === undefined)
    throw new FleetError('Invalid', 'nobody is there to confirm: say --yes when this is meant, or use a terminal');
  return /^y(es)?$/i.test(answer.trim());
}
