import type { FleetCluster, PlanView } from '@wheelhouse/hub/api/deps';
import { type Command, Option } from 'commander';
import { confirm } from './confirm.ts';
import { collect, readDuration } from './option.ts';
import { formatPhase, formatProposal } from './plan-page.ts';
import type { Session } from './session.ts';

/** Options of every command that may begin a plan. */
export interface StartOptions {
  yes?: boolean;
  dryRun?: boolean;
  accept?: string[];
  reason?: string;
  soak?: number;
  deadline?: number;
  onDeadline?: 'Pause' | 'Abort';
}

export function addStartOptions(command: Command): Command {
  return command
    .option('-y, --yes', 'start without asking')
    .option('--dry-run', 'show the plan and leave it at that')
    .option('--accept <codes>', 'findings that are meant, by code, joined by commas (repeatable)', collect)
    .option('--reason <text>', 'why, for the record')
    .addOption(new Option('--soak <duration>', 'instead of what Applications say').argParser(readDuration))
    .addOption(new Option('--deadline <duration>', 'of each step; 30m by default').argParser(readDuration))
    .addOption(
      new Option('--on-deadline <what>', 'what becomes of a plan that is late; Pause by default').choices([
        'Pause',
        'Abort',
      ]),
    );
}

/** The fields of a request that these options stand for. */
export function paceOf({ reason, soak, deadline, onDeadline }: StartOptions) {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(soak === undefined ? {} : { soakMs: soak }),
    ...(deadline === undefined ? {} : { deadlineMs: deadline }),
    ...(onDeadline === undefined ? {} : { onDeadline }),
  };
}

/** What a change of a cluster is answered with: the cluster, or the plan that it takes. */
export async function answerChange(
  session: Session,
  answer: FleetCluster | PlanView,
  { options, done }: { options: StartOptions; done(cluster: FleetCluster): string },
): Promise<void> {
  if ('leaves' in answer) return await offerPlan(session, answer, options);
  const nothing = 'nothing is set: this moves no Application, so it needs no plan and would be done at once\n';
  session.print(answer, () => (options.dryRun ? nothing : done(answer)));
}

/** Shows a plan, asks, and starts it. What was not confirmed stays Planned, and can be started later. */
export async function offerPlan(session: Session, plan: PlanView, options: StartOptions): Promise<void> {
  const { io, client, format, print } = session;
  if (format === 'table') io.out(formatProposal(plan));
  const begin = !options.dryRun && (options.yes || (await confirm(io, `start plan ${plan.id}?`)));
  if (!begin)
    return print(
      plan,
      () => `plan ${plan.id} is not started; 'wheelhouse plan start ${plan.id}' starts it within the hour\n`,
    );
  const accept = (options.accept ?? []).flatMap((codes) => codes.split(','));
  const started = await client.request<PlanView>(`/api/v1/fleet/plans/${plan.id}/start`, {
    method: 'POST',
    body: { accept },
  });
  print(
    started,
    () => `plan ${plan.id} started: ${formatPhase(started)}; follow it with 'wheelhouse plan get ${plan.id}'\n`,
  );
}
