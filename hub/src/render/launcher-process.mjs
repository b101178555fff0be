// @ts-check
/**
 * The process of a launcher: starts children as it is told to and says how each ended. Ends, with all of them, when the hub does.
 * JavaScript, because the compiler that strips types would stay in memory, and be copied for each child.
 * @import { ChildProcess } from 'node:child_process'
 * @import { Ended, Launch, LauncherReply, LauncherRequest } from './launcher.ts'
 * @import { TreeBounds } from './process-tree.ts'
 * @typedef {NonNullable<Ended['killed']>} Why
 */
import { spawn } from 'node:child_process';

const errorChars = 64 * 1024;
/** Between two looks at what a child has started. */
const lookMs = 200;
/** @type {Map<number, (why: Why) => void>} */
const stops = new Map();
/**
 * With the compiler, so when it is first needed: few children have such bounds.
 * @type {typeof import('./process-tree.ts') | undefined}
 */
let trees;

process.on('message', (/** @type {LauncherRequest} */ request) => {
  if (request.type === 'ask') say('alive');
  else if (request.type === 'stop') stops.get(request.id)?.('stopped');
  else start(request);
});
process.on('disconnect', () => {
  for (const stop of stops.values()) stop('stopped');
  process.exit();
});

/** @param {LauncherReply} message */
function say(message) {
  // a hub that is going reads no more: 'disconnect' follows
  if (process.connected) process.send?.(message, () => undefined);
}

/** @param {Extract<LauncherRequest, { type: 'launch' }>} request */
function start({ id, ...launch }) {
  const reply = (/** @type {Ended} */ ended) => {
    stops.delete(id);
    say({ id, ...ended });
  };
  const begin = () => {
    try {
      watch(launch, { reply, onStart: (stop) => void stops.set(id, stop) });
    } catch (error) {
      reply(notBegun(/** @type {NodeJS.ErrnoException} */ (error)));
    }
  };
  if (!launch.tree || trees) begin();
  else void withTrees(begin, { reply, onStart: (stop) => void stops.set(id, stop) });
}

/**
 * A child that has bounds begins when they can be looked after.
 * @param {() => void} begin
 * @param {{ reply(ended: Ended): void; onStart(stop: (why: Why) => void): void }} watching
 */
async function withTrees(begin, { reply, onStart }) {
  /** @type {Why | undefined} */
  let killed;
  onStart((why) => {
    killed ??= why;
  });
  trees ??= await import('./process-tree.ts');
  if (killed === undefined) begin();
  else reply({ code: null, stdout: Buffer.alloc(0), stderr: '', killed });
}

/**
 * @param {Launch} launch
 * @param {{ reply(ended: Ended): void; onStart(stop: (why: Why) => void): void }} watching
 */
function watch(launch, { reply, onStart }) {
  const { line, cwd, environment, timeoutMs, outputBytes, tree } = launch;
  const [command, ...args] = line;
  const child = spawn(command, args, { cwd, env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  /** @type {Buffer[]} */
  const stdout = [];
  let bytes = 0;
  let stderr = '';
  /** @type {Why | undefined} */
  let killed;
  const stop = (/** @type {Why} */ why) => {
    killed ??= why;
    killGroup(child);
  };
  const timer = setTimeout(() => stop('timeout'), timeoutMs);
  const looking = tree && setInterval(() => look(child, tree, stop), lookMs);
  onStart(stop);
  child.stdout.on('data', (/** @type {Buffer} */ chunk) => {
    bytes += chunk.length;
    if (bytes <= outputBytes) stdout.push(chunk);
    else stop('output');
  });
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    if (stderr.length < errorChars) stderr += text;
  });
  const end = (/** @type {Ended} */ ended) => {
    clearTimeout(timer);
    clearInterval(looking);
    reply(ended);
  };
  child.once('error', (/** @type {NodeJS.ErrnoException} */ error) => {
    // 'close' follows for some of them
    child.removeAllListeners('close');
    end(notBegun(error));
  });
  child.once('close', (code) => {
    const output = killed === undefined ? Buffer.concat(stdout) : Buffer.alloc(0);
    end({ code, stdout: output, stderr, ...(killed === undefined ? {} : { killed }) });
  });
}

/**
 * @param {ChildProcess} child
 * @param {TreeBounds} bounds
 * @param {(why: keyof TreeBounds) => void} stop
 */
function look(child, bounds, stop) {
  const exceeded = child.pid === undefined ? undefined : trees?.whatExceeds(child.pid, bounds);
  if (exceeded) stop(exceeded);
}

/**
 * @param {NodeJS.ErrnoException} error
 * @returns {Ended}
 */
function notBegun({ code, message }) {
  const why = code === undefined ? { message } : { code, message };
  return { code: null, stdout: Buffer.alloc(0), stderr: '', notBegun: why };
}

/** @param {ChildProcess} child */
function killGroup(child) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}
