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
