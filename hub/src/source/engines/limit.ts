import type { Engine } from './engine.ts';

/** The same engine, with its network work under a limit that others may share. */
export function limitEngine(engine: Engine, limit: <T>(task: () => Promise<T>) => Promise<T>): Engine {
  return {
    name: engine.name,
    create: (directory, signal) => engine.create(directory, signal),
    listRefs: (remote, signal) => limit(() => engine.listRefs(remote, signal)),
    fetch: (request, signal) => limit(() => engine.fetch(request, signal)),
  };
}
