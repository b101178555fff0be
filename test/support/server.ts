import { stat } from 'node:fs/promises';
import { type Server, startChild } from './child.ts';
import { importImage, startContainer, wantsContainers } from './containers.ts';
import { getTool } from './tools.ts';

export interface ServerOptions {
  /** The program's name. */
  program: string;
  args: readonly string[];
  logFile: string;
  /** The port of 127.0.0.1 that it listens on. */
  port: number;
}

/** Starts a server as a process, or in a container made from the same program when WHEELHOUSE_TEST_CONTAINERS is 1. */
export async function startServer({ program, args, logFile, port }: ServerOptions): Promise<Server> {
  const command = getTool(program);
  if (!wantsContainers()) return await startChild({ command, args, logFile, ready: port });
  const { size, mtimeMs } = await stat(command);
  const image = `wheelhouse-test/${program}:${size}-${Math.floor(mtimeMs)}`;
  const path = `/usr/local/bin/${program}`;
  await importImage(image, { files: { [path]: command }, changes: [`ENTRYPOINT ${JSON.stringify([path])}`] });
  return await startContainer({ image, args, ready: port });
}
