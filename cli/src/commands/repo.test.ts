import { createFakeDeps } from '@wheelhouse/hub/api/testing/fake-deps';
import { expect, it } from 'vitest';
import { serve } from '../testing/served.ts';

const url = 'https://git.example/apps';

it('logins for writing are apart from those for reading, and never shown', async () => {
  const deps = createFakeDeps();
  await using cli = await serve(deps);
  const added = await cli.run(['repo', 'add', url, '--write', '--username', 'robot', '--password-stdin'], 'hunter2');
  expect(added).toMatchObject({ code: 0, out: `repository ${url} added\n` });
  expect((await cli.run(['repo', 'list'])).out).not.toContain(url);
  const { out } = await cli.run(['repo', 'list', '--write']);
  expect(out).toMatch(/https:\/\/git\.example\/apps +git .*not contacted yet/);
  expect(out).not.toContain('hunter2');
  expect((await cli.run(['repo', 'rm', url])).code).not.toBe(0);
  expect(await cli.run(['repo', 'rm', url, '--write'])).toMatchObject({ code: 0 });
  expect(deps.specs.list('Secret')).toEqual([]);
});
