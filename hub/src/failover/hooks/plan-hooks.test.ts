import type { FailoverHook } from '@wheelhouse/shared/resources/failover-hook';
import { parseResource } from '@wheelhouse/shared/resources/parse';
import { describe, expect, it } from 'vitest';
import { planHooks } from './plan-hooks.ts';

function hookOf(name: string, spec: object = {}): FailoverHook {
  return parseResource(
    {
      apiVersion: 'wheelhouse.dev/v1alpha1',
      kind: 'FailoverHook',
      metadata: { name, namespace: 'argocd' },
      spec: { at: [{ before: 'Withdrawing' }], nats: { subject: 'dns.switch' }, ...spec },
    },
    { unknownFields: 'refuse' },
  ).resource as FailoverHook;
}

const labels = [{ cluster: 'eu-1', key: 'role', before: 'active', after: 'standby' }];
const findCluster = (name: string) => ({ name, labels: { region: 'eu' } });
const planned = (hooks: FailoverHook[]) =>
  planHooks({ kind: 'failover', labels }, hooks, findCluster).map(
    ({ hook, when, step, direction }) => `${hook} ${when} ${step} ${direction}`,
  );

describe('hooks of a plan', () => {
  it('are those that are meant, by name, in both directions unless they say otherwise', () => {
    expect(
      planned([
        hookOf('lb', { directions: ['back'], at: [{ after: 'Arriving' }, { before: 'Withdrawing' }] }),
        hookOf('dns'),
        hookOf('only-rules', { plans: ['automatic'] }),
        hookOf('elsewhere', { clusters: 'region=us' }),
        hookOf('here', { clusters: 'region=eu', directions: ['forward'] }),
      ]),
    ).toEqual([
      'argocd/dns before Withdrawing forward',
      'argocd/dns before Withdrawing back',
      'argocd/here before Withdrawing forward',
      'argocd/lb after Arriving back',
      'argocd/lb before Withdrawing back',
    ]);
  });

  it('keep what their hooks say now', () => {
    const http = { url: 'https://dns.example.com/switch', secret: { name: 'dns', key: 'key' } };
    const [call] = planHooks({ kind: 'failover', labels }, [hookOf('dns', { nats: null, http })], findCluster);
    expect(call).toMatchObject({
      call: { type: 'http', url: http.url, secret: { namespace: 'argocd', name: 'dns', key: 'key' } },
      timeoutMs: 30_000,
      retries: 2,
      onFailure: 'Pause',
      attempt: 0,
    });
  });

  it.each<[string, object, RegExp]>([
    ['two calls', { job: { application: 'dns' } }, /give one of http, nats and job/],
    ['no call', { nats: null }, /give one of http, nats and job/],
    ['a step that is none', { at: [{ before: 'Completed' }] }, /spec.at/],
    ['no moment', { at: [] }, /spec.at/],
    ['a timeout that blocks a plan for long', { timeout: '1h' }, /spec.timeout: not a duration between 1s and 10m/],
    [
      'a subject with a wildcard',
      { nats: { subject: 'dns.>' } },
      /spec.nats.subject: no subject that can be published to/,
    ],
    ['a subject of the system', { nats: { subject: '$SYS.REQ' } }, /spec.nats.subject/],
    ['a URL with a login', { nats: null, http: httpOf('https://a:b@dns.example.com') }, /spec.http.url/],
    ['a file', { nats: null, http: httpOf('file:///etc/passwd') }, /spec.http.url/],
    ['an unsigned call', { nats: null, http: { url: 'https://dns.example.com' } }, /spec.http.secret/],
  ])('are refused with %s', (...[_what, spec, message]) => {
    expect(() => hookOf('dns', spec)).toThrow(message);
  });
});

function httpOf(url: string) {
  return { url, secret: { name: 'dns', key: 'key' } };
}
