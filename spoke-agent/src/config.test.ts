import { describe, expect, it } from 'vitest';
import { readAgentConfig, redactAgentConfig } from './config.ts';

describe("the agent's settings", () => {
  it('come from the environment and from flags, which win', () => {
    const env = { WHEELHOUSE_STATE_DIR: '/a', WHEELHOUSE_LOG_LEVEL: 'debug', PATH: '/bin' };
    expect(readAgentConfig(env, ['--state-dir', '/b', '--simulate'])).toMatchObject({
      stateDir: '/b',
      logLevel: 'debug',
      simulate: true,
    });
    expect(readAgentConfig({ WHEELHOUSE_SIMULATE: 'true' }, []).simulate).toBe(true);
    expect(readAgentConfig({ WHEELHOUSE_LABELS: 'region=eu, example.com/tier=' }, []).labels).toEqual({
      region: 'eu',
      'example.com/tier': '',
    });
    expect(readAgentConfig({}, [])).toMatchObject({ simulate: false, logLevel: 'info' });
  });

  it.each([
    ['an unknown variable', { WHEELHOUSE_TOKN: 'x' }, [], /WHEELHOUSE_TOKN is not a setting/],
    ['an unknown flag', {}, ['--tokn', 'x'], /'--tokn'/],
    ['a flag without value', {}, ['--token'], /--token/],
    ['a log level that is none', { WHEELHOUSE_LOG_LEVEL: 'loud' }, [], /WHEELHOUSE_LOG_LEVEL/],
    ['a label without value', { WHEELHOUSE_LABELS: 'region' }, [], /WHEELHOUSE_LABELS: 'region' is not key=value/],
    ['a label that Kubernetes would not take', {}, ['--labels', 'region=eu west'], /syntax of labels/],
    ['a collector that is no URL', { WHEELHOUSE_OTLP_ENDPOINT: 'jaeger' }, [], /WHEELHOUSE_OTLP_ENDPOINT/],
  ])('are refused with %s', (...[, env, args, message]) => {
    expect(() => readAgentConfig(env, args)).toThrow(message);
  });

  it('are logged without the token', () => {
    expect(JSON.stringify(redactAgentConfig(readAgentConfig({ WHEELHOUSE_TOKEN: 'wh1.secret' }, [])))).not.toContain(
      'secret',
    );
  });
});
