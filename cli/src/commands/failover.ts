import type { PlanView } from '@wheelhouse/hub/api/deps';
import type { Command } from 'commander';
import { parseLabelChanges } from '../label.ts';
import { collect } from '../option.ts';
import type { Run } from '../session.ts';
import { addStartOptions, offerPlan, paceOf, type StartOptions } from '../start-plan.ts';

interface FailoverOptions extends StartOptions {
  from: string;
  to: string;
  app?: string;
  label?: string[];
  setFrom?: string[];
  setTo?: string[];
}

/** `failover --from region=eu --to region=us`. */
export function addFailoverCommand(program: Command, run: Run): void {
  const command = program
    .command('failover')
    .description('move what runs on some clusters to others, by exchanging the labels that place it')
    .requiredOption('--from <selector>', 'clusters that Applications leave, as kubectl')
    .requiredOption('--to <selector>', 'clusters that they go to')
    .option('--app <selector>', 'move only Applications with these labels; the others stay where they are')
    .option(
      '--label <key>',
      'label that both sides exchange (repeatable); found by itself where only one can be meant',
      collect,
    )
    .option(
      '--set-from <label>',
      'instead of an exchange: key=value or key- for the clusters of --from (repeatable)',
      collect,
    )
    .option('--set-to <label>', 'the same for the clusters of --to (repeatable)', collect);
  addStartOptions(command).action(
    run<[], FailoverOptions>(async (session, _args, options) => {
      const { from, to, app, label, setFrom, setTo } = options;
      const body = {
        from,
        to,
        ...(app === undefined ? {} : { apps: app }),
        ...(label ? { labels: label } : {}),
        ...(setFrom ? { setFrom: parseLabelChanges(setFrom) } : {}),
        ...(setTo ? { setTo: parseLabelChanges(setTo) } : {}),
        ...paceOf(options),
      };
      const plan = await session.client.request<PlanView>('/api/v1/fleet/plans', { method: 'POST', body });
      await offerPlan(session, plan, options);
    }),
  );
}
