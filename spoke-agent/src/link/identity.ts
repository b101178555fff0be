import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';
import { findFile, replaceFile } from '@wheelhouse/shared/files/replace-file';
import { type Credentials, credentialsSchema } from '@wheelhouse/shared/protocol/enrolment';
import { parseJwt } from '@wheelhouse/shared/protocol/jwt';
import { createKeyPair, type KeyPair, parseSeed } from '@wheelhouse/shared/protocol/nkeys';
import { z } from 'zod';

/** Credentials together with where they came from. */
export interface Membership extends Credentials {
  /** Base URL of the hub. */
  hub: string;
  /** Id of the token that it joined with. */
  tokenId?: string | undefined;
}

/** Who this agent is. Its keys are made here and never leave. */
export interface Identity {
  /** The present key. */
  readonly key: KeyPair;
  /** Undefined until it is enrolled. */
  membership(): Membership | undefined;
  /** Keeps credentials; when they are for the key that was to come, that becomes the present one. Throws Unauthenticated for a third. */
  save(membership: Membership): Promise<void>;
  /** The key that is to come: made and kept before anybody hears of it, and the same one until it is used. */
  nextKey(): Promise<KeyPair>;
}

const membershipSchema = credentialsSchema.extend({ hub: z.string(), tokenId: z.string().optional() });

/** Where an identity is kept; each write replaces. */
interface Storage {
  saveMembership(membership: Membership): Promise<void>;
  saveNext(key: KeyPair): Promise<void>;
  /** Makes the next key the present one, after the membership that names it was saved. */
  promote(key: KeyPair): Promise<void>;
}

/** Loads the identity that is kept in `identity/` of the state directory (0600), making a key there if there is none. */
export async function loadIdentity(stateDir: string): Promise<Identity> {
  const directory = join(stateDir, 'identity');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const files = {
    seed: join(directory, 'user.seed'),
    next: join(directory, 'next.seed'),
    membership: join(directory, 'membership.json'),
  };
  const storage: Storage = {
    saveMembership: async (membership) => await replaceFile(files.membership, JSON.stringify(membership, null, 2)),
    saveNext: async (key) => await replaceFile(files.next, key.seed()),
    promote: async (key) => {
      await replaceFile(files.seed, key.seed());
      await rm(files.next, { force: true });
    },
  };
  const membership = parseMembership(await findFile(files.membership), files.membership);
  const next = await readKey(files.next);
  const found = await readKey(files.seed);
  const key = found ?? createKeyPair('user');
  if (!found) await replaceFile(files.seed, key.seed());
  // it stopped between the two writes of a change of keys
  if (membership && next && ownerOf(membership) === next.publicKey) {
    await storage.promote(next);
    return create({ key: next, membership }, storage);
  }
  return create({ key, membership, next }, storage);
}

/** An identity that is kept nowhere, for agents that live no longer than their process. */
export function createIdentity(key: KeyPair, membership: Membership): Identity {
  const nowhere = async () => undefined;
  return create({ key, membership }, { saveMembership: nowhere, saveNext: nowhere, promote: nowhere });
}

interface State {
  key: KeyPair;
  membership: Membership | undefined;
  next?: KeyPair | undefined;
}

function create(state: State, storage: Storage): Identity {
  return {
    get key() {
      return state.key;
    },
    membership: () => state.membership,
    save: async (membership) => {
      const owner = ownerOf(membership);
      const { next } = state;
      if (owner !== state.key.publicKey && owner !== next?.publicKey)
        throw new FleetError(
          'Unauthenticated',
          `the hub answered ${membership.cluster} with the credentials of another key`,
        );
      await storage.saveMembership(membership);
      state.membership = membership;
      if (!next || owner !== next.publicKey) return;
      state.key = next;
      state.next = undefined;
      await storage.promote(next);
    },
    nextKey: async () => {
      if (state.next) return state.next;
      const next = createKeyPair('user');
      await storage.saveNext(next);
      state.next = next;
      return next;
    },
  };
}

function ownerOf({ jwt }: Membership): string {
  return parseJwt(jwt).sub;
}

async function readKey(file: string): Promise<KeyPair | undefined> {
  const found = await findFile(file);
  return found && parseSeed(found.toString().trim());
}

function parseMembership(content: Buffer | undefined, file: string): Membership | undefined {
  if (!content) return undefined;
  try {
    return membershipSchema.parse(JSON.parse(content.toString()));
  } catch (cause) {
    throw new FleetError('Malformed', `${file} is damaged: delete it and enrol again with a new token`, { cause });
  }
}
