import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseYamlStream } from '@wheelhouse/shared/kube/yaml';
import { parseResources } from '@wheelhouse/shared/resources/parse';
import type { Outcome, Suite } from '../suite.ts';

/** Every manifest of the seed is accepted as it is by the strict parser. */
export const seed: Suite = {
  name: 'seed',
  kind: 'folder',
  run: async (folder) => {
    const files = (await readdir(folder)).filter((file) => /\.ya?ml$/.test(file)).sort();
    return Promise.all(files.map((file) => judge(folder, file)));
  },
};

async function judge(folder: string, id: string): Promise<Outcome> {
  const text = await readFile(join(folder, id), 'utf8');
  try {
    const documents = parseYamlStream(text).filter((document) => document !== null);
    const accepted = parseResources(text, { unknownFields: 'refuse' });
    if (accepted.length > 0 && accepted.length === documents.length) return { id };
    return { id, failure: `${accepted.length} of ${documents.length} documents were accepted` };
  } catch (error) {
    return { id, failure: error instanceof Error ? error.message : String(error) };
  }
}
