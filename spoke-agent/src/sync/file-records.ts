import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@wheelhouse/shared/async/clock';
import { mapLimit } from '@wheelhouse/shared/async/limit';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AppRecord, RecordStore } from './records.ts';

export interface FileRecordsOptions {
  /** A folder of its own, made if need be. */
  directory: string;
  /** Changes within this time are one write. Default 100. */
  debounceMs?: number;
}

const parallel = 8;
const suffix = '.json';

/**
 * Records as one file per Application, each written beside its place and renamed. Not flushed to the disk: what a power
 * cut takes is found again by dry runs. A file that cannot be read counts as lost and is logged.
 */
export async function openFileRecords(
  deps: { clock: Clock; logger: Logger },
  options: FileRecordsOptions,
): Promise<RecordStore> {
  const { directory, debounceMs = 100 } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const records = await load(directory, deps.logger);
  const dirty = new Set<string>();
  let timer: Disposable | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function writeOne(app: string): Promise<void> {
    const record = records.get(app);
    const path = join(directory, app + suffix);
    try {
      if (!record) return await rm(path, { force: true });
      await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
      await rename(`${path}.new`, path);
    } catch (error) {
      deps.logger.error({ err: error, app }, 'cannot write the record of an Application');
    }
  }

  async function write(): Promise<void> {
    timer?.[Symbol.dispose]();
    timer = undefined;
    const apps = [...dirty];
    dirty.clear();
    writing = writing.then(async () => void (await mapLimit(apps, parallel, writeOne)));
    await writing;
  }

  function mark(app: string): void {
    dirty.add(app);
    timer ??= deps.clock.after(debounceMs, () => void write());
  }

  return {
    all: () => records.values(),
    find: (app) => records.get(app),
    save(record) {
      records.set(record.app, record);
      mark(record.app);
    },
    delete(app) {
      if (records.delete(app)) mark(app);
    },
    flush: write,
  };
}

async function load(directory: string, logger: Logger): Promise<Map<string, AppRecord>> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(suffix));
  const loaded = await mapLimit(names, parallel, async (name) => {
    try {
      const record = JSON.parse(await readFile(join(directory, name), 'utf8')) as AppRecord;
      return record.v === 1 ? record : undefined;
    } catch (error) {
      logger.warn({ err: error, file: name }, 'a record cannot be read; its Application is compared anew');
      return undefined;
    }
  });
  return new Map(loaded.filter((record) => record !== undefined).map((record) => [record.app, record]));
}
