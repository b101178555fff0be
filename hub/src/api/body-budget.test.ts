import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { limitBodies } from './body-budget.ts';

it('holds so much at once, and lets in as much again when it is done', async () => {
  const app = Fastify();
  limitBodies(app, { maxBytes: 1_000, bodyLimit: 600 });
  const done = Promise.withResolvers<void>();
  app.post('/slow', async () => await done.promise);
  app.post('/quick', async () => ({}));
  const post = async (url: string, length: number) =>
    (
      await app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json' },
        payload: `"${'x'.repeat(length - 2)}"`,
      })
    ).statusCode;
  await app.ready();
  const slow = post('/slow', 600);
  expect(await post('/quick', 600)).toBeGreaterThanOrEqual(400);
  expect(await post('/quick', 400)).toBe(200);
  expect(await post('/quick', 400)).toBe(200);
  done.resolve();
  expect(await slow).toBe(200);
  expect(await post('/quick', 600)).toBe(200);
  await app.close();
});
