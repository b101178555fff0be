import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { describe, expect, it } from 'vitest';
import { maskSecrets } from './secret-mask.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

function secret(data: Record<string, string>, applied?: string): KubeObject {
  const annotations = applied === undefined ? {} : { annotations: { [lastApplied]: applied } };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', ...annotations }, data };
}

describe('a Secret in a diff', () => {
  it('shows which values differ, and no value', () => {
    const { live, desired } = maskSecrets({
      live: secret({ a: 'MQ==', b: 'Mg==' }),
      desired: secret({ a: 'MQ==', b: 'Mw==' }),
    });
    expect(desired?.['data']).toEqual({ a: '++++++++', b: '++++++++' });
    expect(live?.['data']).toEqual({ a: '++++++++', b: '++++++++++++' });
  });

  it('masks what kubectl remembers of it alike', () => {
    const applied = JSON.stringify({ ...secret({ a: 'MQ==' }), stringData: { b: '2' } });
    const { live } = maskSecrets({ live: secret({ a: 'MQ==', b: 'Mw==' }, applied) });
    expect(JSON.parse(live?.metadata.annotations?.[lastApplied] ?? '')).toMatchObject({
      data: { a: '++++++++', b: '++++++++++++' },
    });
  });

  it('hides what is in fields that no Secret has', () => {
    const typed = { ...secret({ a: 'MQ==' }), type: 'Opaque', stringdata: { password: 'hunter2' } };
    const { live, desired } = maskSecrets({ live: secret({ a: 'MQ==' }, JSON.stringify(typed)), desired: typed });
    const masked = { type: 'Opaque', stringdata: '++++++++', data: { a: '++++++++' } };
    expect(desired).toMatchObject(masked);
    expect(JSON.parse(live?.metadata.annotations?.[lastApplied] ?? '')).toMatchObject(masked);
  });

  it.each([
    ['no JSON', '{"data":{"a":"MQ=='],
    ['another kind', '{"kind":"ConfigMap","data":{"a":"MQ=="}}'],
    ['nothing', 'null'],
  ])('hides the whole of what kubectl remembers when that is %s', (_name, applied) => {
    const { live } = maskSecrets({ live: secret({}, applied) });
    expect(live?.metadata.annotations?.[lastApplied]).toBe('++++++++');
  });
});
