import { describe, expect, it } from 'vitest';
import { pluginEnvironment } from './plugin-environment.ts';

const facts = { appName: 'web', appNamespace: 'argocd', project: 'shop', namespace: 'prod' };
const place = { repoURL: 'https://git.example/repo', path: 'apps/web', targetRevision: 'main' };
const build = {
  ARGOCD_APP_NAME: 'web',
  ARGOCD_APP_NAMESPACE: 'prod',
  ARGOCD_APP_PROJECT_NAME: 'shop',
  ARGOCD_APP_REVISION: 'abcdefgh0',
  ARGOCD_APP_REVISION_SHORT: 'abcdefg',
  ARGOCD_APP_REVISION_SHORT_8: 'abcdefgh',
  ARGOCD_APP_SOURCE_REPO_URL: 'https://git.example/repo',
  ARGOCD_APP_SOURCE_PATH: 'apps/web',
  ARGOCD_APP_SOURCE_TARGET_REVISION: 'main',
};

describe('the environment of a plugin', () => {
  it('is the build environment alone for a source that was found to be for it', () => {
    expect(pluginEnvironment(place, facts, 'abcdefgh0')).toEqual(build);
  });

  it('adds variables, with the build environment put in, and parameters in both forms', () => {
    const parameters = [
      { name: 'rev', string: 'main' },
      { name: 'value-files', array: ['a.yaml', 'b.yaml'] },
      { name: 'helm-parameters', map: { 'image.tag': '1' } },
    ];
    const plugin = { name: 'x', env: [{ name: 'TARGET', value: '$ARGOCD_APP_NAME-$$1' }], parameters };
    expect(pluginEnvironment({ ...place, plugin }, facts, 'abcdefgh0')).toEqual({
      ...build,
      ARGOCD_ENV_TARGET: 'web-$1',
      ARGOCD_APP_PARAMETERS: JSON.stringify(parameters),
      PARAM_REV: 'main',
      PARAM_VALUE_FILES_0: 'a.yaml',
      PARAM_VALUE_FILES_1: 'b.yaml',
      PARAM_HELM_PARAMETERS_IMAGE_TAG: '1',
    });
  });

  it('leaves out what is empty', () => {
    const plugin = { env: [{ name: 'NONE', value: '' }], parameters: [{ name: 'none', string: '' }] };
    const given = pluginEnvironment({ ...place, plugin }, { ...facts, namespace: '' }, 'abcdefgh0');
    expect(Object.keys(given)).not.toEqual(expect.arrayContaining(['ARGOCD_ENV_NONE']));
    expect(given).not.toHaveProperty('PARAM_NONE');
    expect(given).not.toHaveProperty('ARGOCD_APP_NAMESPACE');
  });

  it.each([
    ['a NUL', [{ name: 'A', value: 'a\0b' }], 'Invalid', '"ARGOCD_ENV_A" has a NUL character'],
    ['an = in its name', [{ name: 'A=B', value: '1' }], 'Invalid', 'has a = in its name'],
    ['too much', [{ name: 'A', value: 'x'.repeat(131_072) }], 'TooLarge', '"ARGOCD_ENV_A" has more than 128 KB'],
  ])('refuses a variable with %s', (...[, env, code, message]) => {
    expect(() => pluginEnvironment({ ...place, plugin: { env } }, facts)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});
