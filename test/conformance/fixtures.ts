import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** `../shared/fixtures` beside the repository. */
export const defaultFixtures = resolve(import.meta.dirname, '../../../shared/fixtures');

/** Names of the suites that a fixtures folder holds: `<folder>/<file>` for JSON files, and `seed`. */
export async function findSuiteNames(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await entriesOf(folder)) {
    if (!entry.isDirectory()) continue;
    if (entry.name === 'seed') names.push(entry.name);
    const files = await entriesOf(join(folder, entry.name));
    for (const file of files)
      if (file.isFile() && file.name.endsWith('.json'))
        names.push(`${entry.name}/${file.name.slice(0, -'.json'.length)}`);
  }
  return names.sort();
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    throw new Error(`no fixtures at ${folder}: they are expected there, or where --fixtures says`, { cause });
  }
}
