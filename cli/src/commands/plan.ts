import type { PlanView } from '@wheelhouse/hub/api/deps';
import type { Command } from 'commander';
import { formatTable } from '../output.ts';
import { formatPhase, formatPlanPage, planColumns } from '../plan-page.ts';
import type { Run, Session } from '../session.ts';
import { addStartOptions, offerPlan, paceOf, type StartOptions } from '../start-plan.ts';
import { addPlanWait } from './plan-wait.ts';

const path = '/api/v1/fleet/plans';

export function addPlanCommands(program: Command, run: Run): void {
  const plan = program.command('plan').description('changes of labels that move Applications');
  addRead(plan, run);
  addStart(plan, run);
  addPlanWait(plan, run);
  addAct(plan.command('pause <id>').description('go no further until it is resumed'), run, 'pause');
  addAct(plan.command('resume <id>').description('go on; the deadline begins anew'), run, 'resume');
  addAct(plan.command('abort <id>').description('undo what was done, in the same careful steps'), run, 'abort');
  addFailBack(plan, run);
  plan
    .command('withdraw <id> [apps...]')
    .description('let go what policy Never keeps: these Applications, or all')
    .action(
      run<[string, string[]]>(
        async (session, [id, apps]) => await act(session, id, { verb: 'withdraw', body: { apps } }),
      ),
    );
}

function addRead(plan: Command, run: Run): void {
  plan
    .command('list')
    .description('plans, newest first')
    .action(
      run(async ({ client, print }) => {
        const { items } = await client.request<{ items: PlanView[] }>(path);
        print(items, () =>
          formatTable(items, planColumns, 'no plans; see wheelhouse failover, wheelhouse cluster label'),
        );
      }),
    );
  plan
    .command('get <id>')
    .description('one plan: what it did, and what it waits for')
    .action(
      run<[string]>(async ({ client, print }, [id]) => {
        const found = await client.request<PlanView>(`${path}/${encodeURIComponent(id)}`);
        print(found, () => formatPlanPage(found));
      }),
    );
}

function addStart(plan: Command, run: Run): void {
  addStartOptions(plan.command('start <id>').description('begin a plan that was made before')).action(
    run<[string], StartOptions>(async (session, [id], options) => {
      const found = await session.client.request<PlanView>(`${path}/${encodeURIComponent(id)}`);
      await offerPlan(session, found, options);
    }),
  );
}

function addAct(command: Command, run: Run, verb: 'pause' | 'resume' | 'abort'): void {
  if (verb !== 'resume') command.option('--reason <text>', 'why, for the record');
  command.action(
    run<[string], { reason?: string }>(async (session, [id], { reason }) => {
      await act(session, id, { verb, body: reason === undefined ? {} : { reason } });
    }),
  );
}

function addFailBack(plan: Command, run: Run): void {
  const command = plan.command('fail-back <id>').description('undo a plan; one that is over is undone by a new plan');
  addStartOptions(command).action(
    run<[string], StartOptions>(async (session, [id], options) => {
      const url = `${path}/${encodeURIComponent(id)}/fail-back`;
      const made = await session.client.request<PlanView>(url, { method: 'POST', body: paceOf(options) });
      if (made.phase === 'Planned') await offerPlan(session, made, options);
      else session.print(made, () => `plan ${id}: ${formatPhase(made)}\n`);
    }),
  );
}

async function act(session: Session, id: string, { verb, body }: { verb: string; body: object }): Promise<void> {
  const plan = await session.client.request<PlanView>(`${path}/${encodeURIComponent(id)}/${verb}`, {
    method: 'POST',
    body,
  });
  session.print(plan, () => `plan ${id}: ${formatPhase(plan)}\n`);
}
