/**
 * An agent for as long as its cluster is a member of the fleet: link and agent together, made anew when the hub approves or
 * renames the cluster. Until it is approved, it only says that it is there.
 */
import { randomUUID } from 'node:crypto';
import { sleep } from '@wheelhouse/shared/async/abort';
import { backoffMs } from '@wheelhouse/shared/async/backoff';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import { type Agent, type AgentOptions, createAgent } from './agent.ts';
import type { Cluster } from './cluster/cluster.ts';
import { membershipOf } from './link/enrol.ts';
import type { Identity } from './link/identity.ts';
import { createLink, type Link, type LinkOptions } from './link/link.ts';
import { startWaiting } from './report/waiting.ts';

export interface MemberDeps {
  cluster: Cluster;
  identity: Identity;
  logger: Logger;
}

export interface MemberOptions extends Omit<AgentOptions, 'instance'> {
  link: Omit<LinkOptions, 'uid' | 'onIdentityChanged'>;
}

export interface Member extends AsyncDisposable {
  linkState(): ReturnType<Link['state']>;
  /** 0 while the cluster waits for approval. */
  appliedGen(): number;
}

/** Starts reconciling what is on disk before it returns. Throws Unauthenticated when the identity is not enrolled. */
export async function startMember(deps: MemberDeps, options: MemberOptions): Promise<Member> {
  const instance = randomUUID();
  const closing = new AbortController();
  let current = await open();
  let changing: Promise<void> = Promise.resolve();

  async function open(): Promise<Opened> {
    const { identity, logger } = deps;
    const { cluster, pending } = membershipOf(identity);
    await using stack = new AsyncDisposableStack();
    const link = stack.use(
      createLink({ identity, logger }, { ...options.link, uid: options.info.uid, onIdentityChanged: replace }),
    );
    if (pending) logger.warn({ cluster }, "this cluster waits for approval: 'wheelhouse cluster approve'");
    const agent = pending ? undefined : stack.use(await createAgent({ ...deps, link }, { ...options, instance }));
    if (pending) stack.use(startWaiting({ link, logger }, { ...options, instance }));
    const owned = stack.move();
    return { link, agent, close: async () => await owned.disposeAsync() };
  }

  /** A disk that is full for a moment must not end the healing; undefined when the member is closed meanwhile. */
  async function openUntilItWorks(): Promise<Opened | undefined> {
    for (let attempt = 0; !closing.signal.aborted; attempt += 1) {
      try {
        return await open();
      } catch (error) {
        deps.logger.error({ err: error }, 'cannot go on with the new identity; trying again');
        await sleep(backoffMs(attempt, { baseMs: 1_000, maxMs: 60_000 }), closing.signal);
      }
    }
    return undefined;
  }

  function replace(): void {
    changing = changing
      .then(async () => {
        await current.close();
        current = (await openUntilItWorks()) ?? current;
      })
      .catch((error: unknown) => deps.logger.error({ err: error }, 'cannot go on with the new identity'));
  }

  return {
    linkState: () => current.link.state(),
    appliedGen: () => current.agent?.appliedGen() ?? 0,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await changing;
      await current.close();
    },
  };
}

interface Opened {
  link: Link;
  agent: Agent | undefined;
  close(): Promise<void>;
}
