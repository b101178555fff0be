import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { findFile, replaceFile } from '@wheelhouse/shared/files/replace-file';
import { type Credentials, credentialsSchema } from '@wheelhouse/shared/protocol/enrolment';
import { createKeyPair, type KeyPair, parseSeed } from '@wheelhouse/shared/protocol/nkeys';
import { z } from 'zod';

/** Credentials together with where they came from. */
export interface Membership extends Credentials {
  /** Base URL of the hub. */
  hub: string;
}

/** Who this agent is. Its key is made here and never leaves. */
export interface Identity {
  readonly key: KeyPair;
  /** Undefined until it is enrolled. */
  membership(): Membership | undefined;
  save(membership: Membership): Promise<void>;
}

const membershipSchema = credentialsSchema.extend({ hub: z.string() });

/** Loads the identity that is kept in `identity/` of the state directory (0600), making a key there if there is none. */
export async function loadIdentity(stateDir: string): Promise<Identity> {
  const directory = join(stateDir, 'identity');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const seedFile = join(directory, 'user.seed');
  const membershipFile = join(directory, 'membership.json');
  const seed = await findFile(seedFile);
  const key = seed ? parseSeed(seed.toString().trim()) : createKeyPair('user');
  if (!seed) await replaceFile(seedFile, key.seed());
  let membership = parseMembership(await findFile(membershipFile), membershipFile);
  return {
    key,
    membership: () => membership,
    save: async (next) => {
      await replaceFile(membershipFile, JSON.stringify(next, null, 2));
      membership = next;
    },
  };
}

/** An identity that is kept nowhere, for agents that live no longer than their process. */
export function createIdentity(key: KeyPair, membership: Membership): Identity {
  let current = membership;
  return {
    key,
    membership: () => current,
    save: async (next) => {
      current = next;
    },
  };
}

function parseMembership(content: Buffer | undefined, file: string): Membership | undefined {
  if (!content) return undefined;
  try {
    return membershipSchema.parse(JSON.parse(content.toString()));
  } catch (cause) {
    throw new FleetError('Malformed', `${file} is damaged: delete it and enrol again with a new token`, { cause });
  }
}
