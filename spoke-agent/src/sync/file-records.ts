import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@wheelhouse/shared/async/clock';
import type { Logger } from '@wheelhouse/shared/logging/logger';
import type { AppRecord, RecordStore } from './records.ts';

export interface FileRecordsOptions {
  /** A folder of its own, made if need be. */
  directory: string;
  /** Changes within this time are one write. Default 100. */
  debounceMs?: number;
}

/** A line of the journal: a record as it became, or the name of one that went. */
type Line = AppRecord | { app: string; deleted: true };

/** So many lines may be out of date before the journal is written anew, beyond as many as there are records. */
const slackLines = 1_000;

/**
 * Records as a journal: changes are appended, one line each, and now and then it is written anew beside its place and
 * renamed. Not flushed to the disk: what a power cut takes is found again by dry runs. A line that cannot be read counts
 * as lost.
 */
export async function openFileRecords(
  { clock, logger }: { clock: Clock; logger: Logger },
  { directory, debounceMs = 100 }: FileRecordsOptions,
): Promise<RecordStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'records.jsonl');
  const records = await load(path, logger);
  const dirty = new Set<string>();
  let lines = Number.POSITIVE_INFINITY;
  let timer: Disposable | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function append(): Promise<void> {
    const changed = [...dirty];
    dirty.clear();
    if (changed.length === 0) return;
    try {
      if (lines + changed.length > 2 * records.size + slackLines) await rewrite();
      else {
        await appendFile(path, textOf(changed.map((app) => records.get(app) ?? { app, deleted: true })), {
          mode: 0o600,
        });
        lines += changed.length;
      }
    } catch (error) {
      for (const app of changed) dirty.add(app);
      logger.error({ err: error, path }, 'cannot write the records of Applications');
    }
  }

  async function rewrite(): Promise<void> {
    const all = [...records.values()];
    await writeFile(`${path}.new`, textOf(all), { mode: 0o600 });
    await rename(`${path}.new`, path);
    lines = all.length;
  }

  async function write(): Promise<void> {
    timer?.[Symbol.dispose]();
    timer = undefined;
    writing = writing.then(append);
    await writing;
  }

  function mark(app: string): void {
    dirty.add(app);
    timer ??= clock.after(debounceMs, () => void write());
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

function textOf(lines: Line[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

async function load(path: string, logger: Logger): Promise<Map<string, AppRecord>> {
  const records = new Map<string, AppRecord>();
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  for (const line of text.split('\n')) {
    const record = line === '' ? undefined : parseLine(line, logger);
    if (!record) continue;
    if ('deleted' in record) records.delete(record.app);
    else if (record.v === 1) records.set(record.app, record);
  }
  return records;
}

function parseLine(line: string, logger: Logger): Line | undefined {
  try {
    return JSON.parse(line) as Line;
  } catch (error) {
    logger.warn({ err: error }, 'a record cannot be read; its Application is compared anew');
    return undefined;
  }
}
