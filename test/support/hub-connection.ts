import { join } from 'node:path';
import { loadAuthority } from '@wheelhouse/hub/fleet/authority';
import { connectHub, type HubNats } from '@wheelhouse/hub/store/nats';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import type { DocumentKeys } from '@wheelhouse/shared/protocol/document-key';
import type { Platform } from './platform.ts';

/** What a replica of the platform's hub may do at NATS, for tests that look behind the API. */
export interface HubConnection {
  nats: HubNats;
  /** Public keys that documents are signed by. */
  keys: DocumentKeys;
}

export async function connectAsHub(platform: Platform, signal: AbortSignal): Promise<HubConnection> {
  const directory = join(platform.dir, 'hub/authority');
  const authority = await loadAuthority({ directory, names: ['127.0.0.1', 'localhost'] });
  const logger = createLogger({ name: 'test', level: 'silent' });
  const login = { url: platform.nats.url, user: authority.hubUser(), ca: authority.ca.pem, name: 'test' };
  return { nats: await connectHub({ logger }, login, signal), keys: authority.documentKeys };
}
