import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createManualClock } from '@wheelhouse/shared/async/manual-clock';
import { createLogger } from '@wheelhouse/shared/logging/logger';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFileRecords } from './file-records.ts';
import { emptyRecord } from './records.ts';

describe('records on disk', () => {
  const clock = createManualClock();
  const logger = createLogger({ name: 'test', level: 'silent' });
  let directory: string;
  const open = async () => await openFileRecords({ clock, logger }, { directory });
  const path = () => join(directory, 'records.jsonl');
  const lines = async () => (await readFile(path(), 'utf8')).trim().split('\n');

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'records-'));
  });
  afterEach(async () => await rm(directory, { recursive: true }));

  it('are there again after a restart, as they last were', async () => {
    const records = await open();
    records.save({ ...emptyRecord('a'), operations: ['1'] });
    records.save(emptyRecord('b'));
    await records.flush();
    records.save({ ...emptyRecord('a'), operations: ['1', '2'] });
    records.delete('b');
    await records.flush();
    const again = await open();
    expect([...again.all()]).toEqual([{ ...emptyRecord('a'), operations: ['1', '2'] }]);
    expect(again.find('b')).toBeUndefined();
  });

  it('are written once for many changes, with what they are by then', async () => {
    const records = await open();
    records.save(emptyRecord('other'));
    await records.flush();
    const record = emptyRecord('a');
    for (let id = 0; id < 50; id += 1) {
      record.operations.push(String(id));
      records.save(record);
    }
    await records.flush();
    expect(await lines()).toHaveLength(2);
    expect((await open()).find('a')?.operations).toHaveLength(50);
  });

  it('do not grow without end', async () => {
    const records = await open();
    const record = emptyRecord('a');
    for (let round = 0; round < 1_100; round += 1) {
      records.save(record);
      await records.flush();
    }
    expect((await lines()).length).toBeLessThan(1_010);
  });

  it.each([
    ['a line cut short', async () => await appendFile(path(), '{"v":1,"app":"b","resour')],
    ['a line of rubbish', async () => await writeFile(path(), `rubbish\n${JSON.stringify(emptyRecord('a'))}\n`)],
  ])('survive %s', async (_row, harm) => {
    const records = await open();
    records.save(emptyRecord('a'));
    await records.flush();
    await harm();
    expect([...(await open()).all()].map(({ app }) => app)).toEqual(['a']);
  });
});
