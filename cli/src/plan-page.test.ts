import { fakePlan } from '@wheelhouse/hub/api/testing/fake-plans';
import { expect, it } from 'vitest';
import { formatPlanPage, formatProposal } from './plan-page.ts';

const hook = {
  hook: 'argocd/dns',
  when: 'after',
  step: 'Arriving',
  direction: 'forward',
  call: {
    type: 'http',
    url: 'https://dns.example.com/switch?token=hush',
    secret: { namespace: 'argocd', name: 'dns', key: 'key' },
  },
  timeoutMs: 30_000,
  retries: 2,
  onFailure: 'Pause',
  attempt: 0,
} as const;

it('shows annotations that change, in a line each', () => {
  const annotations = [{ cluster: 'eu-1', key: 'site', before: null, after: `a\nb${'c'.repeat(80)}` }];
  expect(formatProposal(fakePlan({ labels: [], annotations }))).toMatch(
    /^CLUSTER +ANNOTATION +FROM +TO\neu-1 +site +\(none\) +a bc{56}…$/m,
  );
});

it('shows whom a plan will call, and what came of it, without what a URL may hold', () => {
  const hooks = [hook, { ...hook, direction: 'back' as const, state: 'failed' as const, message: 'answers 500' }];
  const proposal = formatProposal(fakePlan({ hooks }));
  expect(proposal).toMatch(
    /^HOOK +WHEN +CALLS +TIMEOUT +RETRIES +ON FAILURE\nargocd\/dns +after Arriving +http https:\/\/dns.example.com\/switch +30s +2 +Pause$/m,
  );
  const page = formatPlanPage(fakePlan({ hooks, phase: 'Arriving' }));
  expect(page).toMatch(/^argocd\/dns +after Arriving \(back\) .* +failed: answers 500$/m);
  expect(proposal + page).not.toContain('hush');
});

it('says when what it shows was seen, once a plan is over', () => {
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  const [one] = fakePlan({}).arrives;
  if (!one) throw new Error('the plan moves nothing');
  const arrives = [{ ...one, healthySince: ago(30) }];
  const under = formatPlanPage(fakePlan({ arrives, phase: 'Withdrawing', phaseAt: ago(20) }));
  expect(under).toMatch(/Healthy for 30m$/m);
  expect(under).not.toContain('as of');
  const over = formatPlanPage(fakePlan({ arrives, phase: 'Completed', phaseAt: ago(20) }));
  expect(over).toMatch(/^Incoming: +1 of 1 Healthy as of 20m ago$/m);
  expect(over).toMatch(/ Healthy as of 20m ago$/m);
  expect(over).not.toContain('Healthy for');
});
