import type { PlanView } from '@wheelhouse/hub/api/deps';
import { sleep } from '@wheelhouse/shared/async/abort';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import type { Command } from 'commander';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { timeoutOption } from '../option.ts';
import { formatPhase } from '../plan-page.ts';
import type { Run, Session } from '../session.ts';

const over = ['Completed', 'Aborted', 'Expired', 'Fenced'];
const intervalMs = 500;

/** `plan wait ID`: prints each step forward until the plan is over, paused, or waits only for silent clusters. */
export function addPlanWait(plan: Command, run: Run): void {
  plan
    .command('wait <id>')
    .description('follow a plan to its end; fails when it pauses, is aborted or expires')
    .addOption(timeoutOption())
    .action(
      run<[string], { timeout: number }>(async (session, [id], { timeout }) => {
        const found = await follow(session, id, timeout);
        session.print(found, () => `plan ${id}: ${formatPhase(found)}, ${found.progress} %\n`);
        return codeOf(found);
      }),
    );
}

/**
 * A script goes on when what the plan moves is where it was to go: Completed, or Fenced, when only silent clusters have
 * still to withdraw. One that is over in another way, or fenced on its way back, moved nothing.
 */
function codeOf({ phase, direction }: PlanView): ExitCode {
  const isThere = phase === 'Completed' || (phase === 'Fenced' && direction === 'forward');
  return isThere ? exitCodes.ok : exitCodes.failed;
}

async function follow({ client, io, format }: Session, id: string, timeoutMs: number): Promise<PlanView> {
  const deadline = Date.now() + timeoutMs;
  let last = '';
  for (;;) {
    const plan = await client.request<PlanView>(`/api/v1/fleet/plans/${encodeURIComponent(id)}`);
    if (over.includes(plan.phase)) return plan;
    if (plan.paused)
      throw new FleetError('Conflict', `plan ${id} is paused by ${plan.paused.by}: ${plan.paused.reason}`);
    const line = formatLine(plan);
    if (line !== last && format === 'table') io.out(line);
    last = line;
    if (Date.now() >= deadline)
      throw new FleetError(
        'Timeout',
        `plan ${id} is still ${formatPhase(plan)}; it waits for ${plan.waits[0] ?? 'its next step'}`,
      );
    await sleep(intervalMs, io.signal);
    io.signal.throwIfAborted();
  }
}

function formatLine(plan: PlanView): string {
  const { healthy, incoming, withdrawn, outgoing } = plan.counts;
  const percent = `${plan.progress} %`.padStart(5);
  return `${percent}  ${formatPhase(plan).padEnd(14)} ${healthy}/${incoming} Healthy, ${withdrawn}/${outgoing} withdrawn\n`;
}
