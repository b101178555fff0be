// A copy of this checkout, for what people run from its root: its own state folder, the packages of the original.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runChild } from './child.ts';
import { getTool } from './tools.ts';

const root = join(import.meta.dirname, '../..');

/** Copies every file that is, or could be, committed; installed packages are linked. */
export async function copyCheckout(target: string): Promise<void> {
  const list = ['-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = (await runChild(getTool('git'), list))
    .split('\0')
    .filter((file) => file && existsSync(join(root, file)));
  for (const folder of new Set(files.map(dirname))) await mkdir(join(target, folder), { recursive: true });
  await Promise.all(files.map((file) => copyFile(join(root, file), join(target, file))));
  const packages = ['', ...new Set(files.filter((file) => file.endsWith('/package.json')).map(dirname))];
  for (const folder of packages) {
    const installed = join(root, folder, 'node_modules');
    if (existsSync(installed)) await symlink(installed, join(target, folder, 'node_modules'));
  }
}

/** The environment of a person's shell: nothing of npm, vitest or Wheelhouse that this process was given. */
export function shellEnvironment(): NodeJS.ProcessEnv {
  const own = /^(npm_|VITEST|WHEELHOUSE_|INIT_CWD$|NODE_|TEST$|DEV$|PROD$|MODE$|SSR$|BASE_URL$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
