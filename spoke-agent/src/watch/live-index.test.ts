import { formatTrackingId, type KubeObject, refOf, trackingAnnotation } from '@wheelhouse/shared/kube/object';
import { beforeEach, describe, expect, it } from 'vitest';
import { liveKey } from './live-entry.ts';
import { createLiveIndex, type LiveIndex } from './live-index.ts';

const kind = { group: '', version: 'v1', kind: 'ConfigMap' };

function object(name: string, resourceVersion: number, app?: string): KubeObject {
  const bare: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'shop', uid: name, resourceVersion: String(resourceVersion) },
  };
  if (app) bare.metadata.annotations = { [trackingAnnotation]: formatTrackingId(app, refOf(bare)) };
  return bare;
}

const keyOf = (name: string) => liveKey(refOf(object(name, 1)));

describe('the live index', () => {
  let index: LiveIndex;
  let changes: string[];
  let drifted: boolean;

  beforeEach(() => {
    changes = [];
    drifted = false;
    index = createLiveIndex({
      healthOf: () => undefined,
      isDrifted: () => drifted,
      onChange: (app) => void changes.push(app),
    });
  });

  it('keeps what carries a tracking id or is wanted, and nothing else', () => {
    index.want('shop', [keyOf('wanted')]);
    const listener = index.follow(kind);
    for (const it of [object('ours', 1, 'shop'), object('wanted', 2), object('other', 3)]) listener.changed(it);
    expect([keyOf('ours'), keyOf('wanted'), keyOf('other')].map((key) => index.find(key)?.ref.name)).toEqual([
      'ours',
      'wanted',
      undefined,
    ]);
    expect(index.ownedBy('shop').map(({ ref }) => ref.name)).toEqual(['ours']);
  });

  it('tells an Application of what matters to it, once', () => {
    const listener = index.follow(kind);
    listener.changed(object('a', 1, 'shop'));
    listener.changed(object('a', 2, 'shop'));
    drifted = true;
    listener.changed(object('a', 3, 'shop'));
    listener.removed(object('a', 4, 'shop'));
    expect(changes).toEqual(['shop', 'shop', 'shop']);
  });

  it('tells both Applications when a tracking id changes hands', () => {
    const listener = index.follow(kind);
    listener.changed(object('a', 1, 'first'));
    changes.length = 0;
    listener.changed(object('a', 2, 'second'));
    expect(changes.sort()).toEqual(['first', 'second']);
    expect(index.ownedBy('first')).toEqual([]);
  });

  it('ignores news older than what an apply answered', () => {
    const listener = index.follow(kind);
    index.put(object('a', 5, 'shop'));
    drifted = true;
    listener.changed(object('a', 4, 'shop'));
    listener.removed(object('a', 3, 'shop'));
    expect(index.find(keyOf('a'))).toMatchObject({ resourceVersion: '5', drifted: false });
  });

  it('holds news during an apply and looks at the newest afterwards', () => {
    const listener = index.follow(kind);
    index.hold(keyOf('a'));
    listener.changed(object('a', 6, 'shop'));
    listener.removed(object('a', 7, 'shop'));
    expect(index.find(keyOf('a'))).toBeUndefined();
    index.put(object('a', 5, 'shop'));
    index.release(keyOf('a'));
    expect(index.find(keyOf('a'))).toBeUndefined();
    expect(changes).toEqual(['shop']);
  });

  it('drops after a list what the list did not name, unless it was applied since', () => {
    const listener = index.follow(kind);
    for (const it of [object('stays', 1, 'shop'), object('gone', 2, 'shop')]) listener.changed(it);
    listener.listing();
    listener.changed(object('stays', 1, 'shop'));
    index.put(object('new', 12, 'shop'));
    listener.listed('10');
    expect(
      index
        .ownedBy('shop')
        .map(({ ref }) => ref.name)
        .sort(),
    ).toEqual(['new', 'stays']);
  });

  it('forgets what is wanted no longer and belongs to nobody', () => {
    index.want('shop', [keyOf('a')]);
    index.put(object('a', 1));
    index.want('shop', []);
    expect(index.find(keyOf('a'))).toBeUndefined();
  });
});
