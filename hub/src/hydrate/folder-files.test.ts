import { canonicalJson, digestOf } from '@wheelhouse/shared/kube/canonical';
import type { KubeObject } from '@wheelhouse/shared/kube/object';
import { parseYamlStream } from '@wheelhouse/shared/kube/yaml';
import { describe, expect, it } from 'vitest';
import { type DryCommit, formatFolder, formatMessage, formatRootMetadata } from './folder-files.ts';

const dry: DryCommit & { path: string } = {
  repoURL: 'https://git.example.com/shop.git',
  sha: '6cb951525937865dced818bbdd78c89b2d2b3045',
  author: 'CI <ci@example.com>',
  date: '2025-06-09T13:50:08Z',
  message: `Bump the image

More about it.

Signed-off-by: CI <ci@example.com>
Argocd-reference-commit-sha: b82add298aa045d3672880802d5305c5a8aaa46e
Argocd-reference-commit-author: Ada <ada@example.com>
Argocd-reference-commit-body: "line\\nline"
Argocd-reference-commit-repourl: no url`,
  path: 'base',
};

function bundleOf(...manifests: KubeObject[]) {
  return { manifests, digest: digestOf(canonicalJson(manifests)) };
}

const configMap = (text: unknown): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'shop' },
  data: { text },
});

describe('the files of a folder', () => {
  it('read back as what was rendered, whatever it looks like', () => {
    const odd = ['yes', 'on', '0755', '1e3', 'null', '', ' a ', 'a\nb\n', '---', '# no', '"', '{{x}}', 'ünï\u0007'];
    const bundle = bundleOf(...odd.map((text, index) => ({ ...configMap(text), metadata: { name: `c${index}` } })));
    const files = formatFolder(bundle, dry, {});
    expect(Object.keys(files)).toEqual(['manifest.yaml', 'hydrator.metadata', 'README.md']);
    expect(parseYamlStream(files['manifest.yaml'] ?? '')).toEqual(bundle.manifests);
  });

  it('hold integers that no number of JavaScript holds', () => {
    const bundle = bundleOf(configMap(9_007_199_254_740_993n));
    expect(formatFolder(bundle, dry, {})['manifest.yaml']).toContain('text: 9007199254740993\n');
  });

  it('are empty where nothing is deployed', () => {
    expect(formatFolder(bundleOf(), dry, {})['manifest.yaml']).toBe('');
  });

  it('say of which commit they are, and what to change instead', () => {
    const files = formatFolder(bundleOf(configMap('a')), dry, {});
    expect(JSON.parse(files['hydrator.metadata'] ?? '')).toEqual({ repoURL: dry.repoURL, drySha: dry.sha });
    expect(files['README.md']).toContain(`git -C dry checkout ${dry.sha}\ncd dry/base\n`);
  });

  it('hold no data of a Secret', () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db' }, data: { password: 'aHVudGVyMg==' } };
    expect(() => formatFolder(bundleOf(secret), dry, {})).toThrow(
      expect.objectContaining({ code: 'RawSecretRefused', message: expect.not.stringContaining('aHVu') as string }),
    );
  });

  it('are refused when they would be read as something else', () => {
    const bundle = { ...bundleOf(configMap('a')), digest: 'sha256:other' };
    expect(() => formatFolder(bundle, dry, {})).toThrow(/report this/);
  });

  it('have the README of the settings', () => {
    const readme = 'from {{ .RepoURL }} {{ .DrySHA | trunc 7 }}{{ range .References }} {{ .Commit.Author }}{{ end }}';
    expect(formatFolder(bundleOf(), dry, { readme })['README.md']).toBe(
      `from ${dry.repoURL} 6cb9515 Ada <ada@example.com>`,
    );
  });
});

describe('metadata of the root', () => {
  it('is that of the dry commit, with what led to it', () => {
    expect(JSON.parse(formatRootMetadata(dry))).toEqual({
      repoURL: dry.repoURL,
      drySha: dry.sha,
      author: dry.author,
      date: dry.date,
      subject: 'Bump the image',
      body: 'More about it.\n\nSigned-off-by: CI <ci@example.com>\nArgocd-reference-commit-repourl: no url',
      references: [
        {
          commit: {
            sha: 'b82add298aa045d3672880802d5305c5a8aaa46e',
            author: 'Ada <ada@example.com>',
            body: 'line\nline',
          },
        },
      ],
    });
  });

  it('lacks what is not known', () => {
    const { repoURL, sha } = dry;
    expect(JSON.parse(formatRootMetadata({ repoURL, sha }))).toEqual({ repoURL, drySha: sha });
  });
});

describe('the message of a commit', () => {
  it('names the dry commit and its authors', () => {
    const lines = formatMessage(dry, {}).split('\n');
    expect(lines[0]).toBe('6cb9515: Bump the image');
    expect(lines.slice(-2)).toEqual(['Co-authored-by: CI <ci@example.com>', 'Co-authored-by: Ada <ada@example.com>']);
  });

  it('is that of the settings', () => {
    const commitMessage = '{{.metadata.drySha | trunc 7}} by {{ .metadata.author }}';
    expect(formatMessage(dry, { commitMessage })).toBe('6cb9515 by CI <ci@example.com>');
  });

  it.each(['{{ .metadata', '{{ nothing }}', '{{ fail "no" }}'])('fails by name for %s', (commitMessage) => {
    expect(() => formatMessage(dry, { commitMessage })).toThrow(
      expect.objectContaining({
        code: 'TemplateFailed',
        message: expect.stringMatching(/^sourceHydrator\.commitMessageTemplate of argocd-cm: /u) as string,
      }),
    );
  });
});
