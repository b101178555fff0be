import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCliConfig } from './config.ts';
import { findConnection } from './context.ts';

const server = 'https://hub.example';

it.each([
  ['a token from the environment', { WHEELHOUSE_TOKEN: 'mine' }, {}, 'to send it your token'],
  ['a file outside of its folder', {}, { tokenFile: '../secret' }, 'is not in its folder'],
  ['a link out of its folder', {}, { tokenFile: 'link' }, 'is not in its folder'],
])('a context in the current directory, which may be anybody’s, is not given %s', async (...given) => {
  const [, env, context, message] = given;
  await using directory = await mkdtempDisposable(join(tmpdir(), 'wheelhouse-context-'));
  const folder = join(directory.path, '.wheelhouse');
  await mkdir(folder);
  await writeFile(join(directory.path, 'secret'), 'mine');
  await symlink(join(directory.path, 'secret'), join(folder, 'link'));
  const file = join(folder, 'context.json');
  await writeFile(file, JSON.stringify({ server, ...context }));
  const find = async (flags: object) => await findConnection(readCliConfig(env, flags), { env, cwd: directory.path });
  await expect(find({})).rejects.toMatchObject({
    code: 'Forbidden',
    message: expect.stringContaining(message) as string,
  });
  expect(await find({ context: file })).toMatchObject({ server, token: 'mine' });
});

it.each([
  ['its CA', { WHEELHOUSE_TOKEN: 'mine' }, { caFile: 'ca.pem' }, 'mine'],
  ['its token', {}, { token: 'theirs' }, undefined],
  ['a token file elsewhere', {}, { tokenFile: '../secret' }, undefined],
])('of a context in the current directory %s does not count for a server that is named', async (...given) => {
  const [, env, context, token] = given;
  await using directory = await mkdtempDisposable(join(tmpdir(), 'wheelhouse-context-'));
  const folder = join(directory.path, '.wheelhouse');
  await mkdir(folder);
  await writeFile(join(directory.path, 'secret'), 'mine');
  await writeFile(join(folder, 'ca.pem'), 'theirs');
  await writeFile(join(folder, 'context.json'), JSON.stringify({ server, ...context }));
  const around = { env: { ...env, WHEELHOUSE_SERVER: server }, cwd: directory.path };
  expect(await findConnection(readCliConfig(around.env, {}), around)).toEqual({ server, token, ca: undefined });
});

it('of the context at home the CA and the token count for its own server when that is named', async () => {
  await using home = await mkdtempDisposable(join(tmpdir(), 'wheelhouse-context-'));
  const folder = join(home.path, 'wheelhouse');
  await mkdir(folder);
  await writeFile(join(folder, 'ca.pem'), 'own');
  await writeFile(join(folder, 'context.json'), JSON.stringify({ server, caFile: 'ca.pem', token: 'mine' }));
  const env = { XDG_CONFIG_HOME: home.path };
  const find = async (named: string) => await findConnection(readCliConfig(env, { server: named }), { env, cwd: '/' });
  expect(await find(server)).toEqual({ server, token: 'mine', ca: 'own' });
  expect(await find('https://other.example')).toMatchObject({ token: undefined, ca: undefined });
});
