import type { Remote } from '../remote.ts';
import type { EngineName } from './engine.ts';

export interface ChoiceFacts {
  engine: 'auto' | EngineName;
  scheme: Remote['scheme'];
  /** The isomorphic engine met its size limit with this repository, now or before a restart. */
  isBig: boolean;
  /** The repository has a proxy of its own. */
  proxied: boolean;
}

/**
 * The one rule for `auto`: native git where isomorphic-git cannot (SSH, local paths, a proxy) and where it is too slow (repositories
 * whose pack is above 100 MB, learnt at the first clone); isomorphic-git for all other HTTP(S), as it needs no binary and is as fast
 * once cloned. An engine that was set by name is taken, except that only native git speaks SSH, or to a proxy.
 */
export function chooseEngine(facts: ChoiceFacts): EngineName {
  if (facts.scheme === 'ssh' || facts.scheme === 'file' || facts.proxied) return 'native';
  if (facts.engine !== 'auto') return facts.engine;
  return facts.isBig ? 'native' : 'isomorphic';
}
