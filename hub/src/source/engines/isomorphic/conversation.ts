import type { HttpClient } from 'isomorphic-git';
import type { Remote } from '../../remote.ts';
import { createConnection, type Exchanged, type HttpOptions, isForRefs } from './http.ts';

/**
 * isomorphic-git's HTTP port for one remote. What the remote listed is kept for the next call, which then need not ask again: a
 * fetch that follows a look at the refs costs one request in place of two, over the same connection.
 */
export interface Conversation extends Disposable {
  call(options: HttpOptions): HttpClient;
}

/** A longer list of refs is asked for again rather than kept. */
const keptListBytes = 8 << 20;

export function createConversation(remote: Remote): Conversation {
  const connection = createConnection(remote);
  let listed: Exchanged | undefined;
  return {
    call: (options) => ({
      request: async (request) => {
        const kept = isForRefs(request) ? listed : undefined;
        listed = undefined;
        const answer = kept ?? (await connection.exchange(request, options));
        const isList = isForRefs(request) && answer.statusCode === 200 && answer.body.length <= keptListBytes;
        if (isList && !kept) listed = answer;
        return { ...answer, body: asIterator(answer.body) };
      },
    }),
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

async function* asIterator(body: Buffer): AsyncGenerator<Uint8Array, void> {
  yield body;
}
