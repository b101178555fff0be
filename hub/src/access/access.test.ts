import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAdminAccess, hashToken } from './access.ts';

const createToken = () => randomBytes(32).toString('base64url');
const token = createToken();
const access = createAdminAccess({ tokenHash: hashToken(token) });

describe('admin access', () => {
  it('takes the admin token, whatever the case of the scheme', async () => {
    expect(await access.authenticate(`Bearer ${token}`)).toEqual({ name: 'admin', roles: ['role:admin'] });
    expect(await access.authenticate(`bearer ${token}`)).toEqual({ name: 'admin', roles: ['role:admin'] });
  });

  it.each([
    ['no header', undefined, 'a bearer token is required'],
    ['an empty header', '', 'a bearer token is required'],
    ['another scheme', `Basic ${token}`, 'a bearer token is required'],
    ['no token', 'Bearer ', 'a bearer token is required'],
    ['a wrong token', `Bearer ${createToken()}`, 'is not valid'],
    ['a prefix of the token', `Bearer ${token.slice(0, -1)}`, 'is not valid'],
    ['the token twice', `Bearer ${token} ${token}`, 'a bearer token is required'],
  ])('refuses %s', async (_name, header, message) => {
    await expect(access.authenticate(header)).rejects.toMatchObject({
      code: 'Unauthenticated',
      message: expect.stringContaining(message) as string,
    });
  });

  it('never repeats a token in its messages', async () => {
    const wrong = createToken();
    await expect(access.authenticate(`Bearer ${wrong}`)).rejects.toSatisfy(
      (error: Error) => !error.message.includes(wrong),
    );
  });

  it('permits the admin everything and nobody else anything', async () => {
    const admin = await access.authenticate(`Bearer ${token}`);
    const resource = { kind: 'applications', name: 'default/guestbook' } as const;
    access.require(admin, 'delete', resource);
    expect(() => access.require({ name: 'admin' }, 'get', resource)).toThrow(
      'admin may not get applications default/guestbook',
    );
  });
});
