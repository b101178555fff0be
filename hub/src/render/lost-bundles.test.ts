import { beforeEach, describe, expect, it } from 'vitest';
import { createHubState, type HubState, logger, outcomeOf } from '../testing/hub-state.ts';
import { forgetLostBundle, forgetLostBundles } from './lost-bundles.ts';

let state: HubState;

beforeEach(async () => {
  state = await createHubState();
  await state.derived.putRender(outcomeOf('one', 'sha256:one'));
  await state.derived.putRender(outcomeOf('two', 'sha256:two', { rest: { digest: 'sha256:rest', empty: false } }));
  await state.derived.putRender(outcomeOf('three', 'sha256:three', { rest: { digest: 'sha256:empty', empty: true } }));
  await state.derived.putRender({
    requestKey: 'failed',
    kinds: [],
    warnings: [],
    problem: { code: 'X', message: 'x' },
  });
});

const left = () => state.derived.renders().map(({ requestKey }) => requestKey);

describe('renders whose bundle is lost are forgotten', () => {
  it.each<[string, string[], string[]]>([
    ['none', ['one', 'two', 'rest', 'three'], ['one', 'two', 'three', 'failed']],
    ['one', ['two', 'rest', 'three'], ['two', 'three', 'failed']],
    ['one that lacks the part for its cluster', ['one', 'two', 'three'], ['one', 'three', 'failed']],
    ['all', [], ['failed']],
  ])('%s', async (_name, stored, expected) => {
    const blobs = { stored: async () => (digest: string) => stored.some((name) => digest === `sha256:${name}`) };
    await forgetLostBundles({ ...state, logger, blobs });
    expect(left()).toEqual(expected);
  });

  it('but not what is rendered while they are listed', async () => {
    const stored = async () => {
      await state.derived.putRender(outcomeOf('new', 'sha256:new'));
      return (digest: string) => digest !== 'sha256:new';
    };
    await forgetLostBundles({ ...state, logger, blobs: { stored } });
    expect(left()).toContain('new');
  });

  it('by digest', async () => {
    await forgetLostBundle({ ...state, logger }, 'sha256:rest');
    expect(left()).toEqual(['one', 'three', 'failed']);
  });
});
