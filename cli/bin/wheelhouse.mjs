#!/usr/bin/env node
// Starts the command line on a Node that runs TypeScript as it is: this one, or the workspace's own.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const main = new URL('../src/main.ts', import.meta.url);
const packagedNode = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(main.href);
} else if (existsSync(packagedNode)) {
  const child = spawn(packagedNode, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      // a terminal sends Ctrl-C to the child itself
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
} else {
  process.stderr.write(
    `wheelhouse: this is Node ${process.versions.node}; Node 24 or newer is needed. Run 'npm run setup' in the repository, which brings it\n`,
  );
  process.exit(1);
}
