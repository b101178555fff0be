import type { Preview } from '@wheelhouse/hub/preview/preview';
import { describe, expect, it } from 'vitest';
import { formatMarkdown } from './format-markdown.ts';
import { formatPreview, isBlocked } from './format-text.ts';

function preview(given: Partial<Preview> = {}): Preview {
  return {
    repoURL: 'https://git.example/shop',
    revision: 'colour',
    sha: 'aaaaaaaaaaaa',
    baseSha: 'bbbbbbbbbbbb',
    counts: { looked: 3, added: 0, changed: 2, removed: 0 },
    groups: [group()],
    pruned: [],
    held: [],
    problems: [],
    ...given,
  };
}

function group(text = '--- before\n+++ after\n@@ -1 +1 @@\n-a\n+b\n'): Preview['groups'][number] {
  const ref = { group: '', version: 'v1', kind: 'ConfigMap', namespace: '', name: 'a' };
  const lines = { added: 1, removed: 1 };
  const applications = ['us', 'eu'].map((cluster) => ({ app: `shop-${cluster}`, cluster }));
  return { kind: 'changed', applications, clusters: 2, lines, objects: [{ ref, kind: 'changed', text, lines }] };
}

const held = [{ applicationSet: 'argocd/shop', reason: '9 would go', applications: ['a'] }];

describe('a preview as text', () => {
  it('shows each distinct change once', () => {
    expect(formatPreview(preview())).toBe(
      `colour (aaaaaaaa) against bbbbbbbb: Applications: 0 added, 2 changed and 0 removed, of 3 looked at

changed alike: 2 Applications on 2 clusters, +1 -1 lines
  shop-us, shop-eu
  changed ConfigMap a
    --- before
    +++ after
    @@ -1 +1 @@
    -a
    +b
`,
    );
  });

  it('says that what has no finalizer leaves its objects behind', () => {
    const gone = { ...group(), kind: 'removed' as const, objects: [], leavesObjects: true as const };
    expect(formatPreview(preview({ groups: [gone] }))).toContain(
      'removed alike: 2 Applications on 2 clusters, without finalizer: what it runs stays\n  shop-us, shop-eu\n',
    );
  });

  it.each([
    ['nothing', {}, false],
    ['what is held', { held }, true],
    ['a problem', { problems: [{ object: 'Application a', code: 'RenderFailed', message: 'no' }] }, true],
  ])('is blocked by %s', (...[, given, expected]) => {
    expect(isBlocked(preview(given))).toBe(expected);
  });
});

describe('a preview as Markdown', () => {
  it('cannot be broken out of by what a manifest holds', () => {
    const text = formatMarkdown(
      preview({ groups: [group('-```\n+````\n')], held: held.map((one) => ({ ...one, reason: '<b>\nx' })) }),
    );
    expect(text).toContain('\n`````diff\n');
    expect(text).toContain('&lt;b> x');
  });

  it('fits a comment, and says what it leaves out', () => {
    const many = Array.from({ length: 40 }, () => group(`-${'x'.repeat(7_000)}`));
    const text = formatMarkdown(preview({ groups: many }));
    expect(text.length).toBeLessThan(65_536);
    expect(text).toMatch(/…and \d+ more changes/);
  });
});
