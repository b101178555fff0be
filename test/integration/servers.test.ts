import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startJaeger } from '../support/jaeger.ts';
import { startNats } from '../support/nats.ts';
import { startRedis } from '../support/redis.ts';

it('nats-server keeps its streams across a kill', async () => {
  await using nats = await startNats();
  const connection = await connect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  try {
    await (await jetstreamManager(connection)).streams.add({ name: 'S', subjects: ['s.>'] });
    await jetstream(connection).publish('s.one', 'hello');
    await nats.kill();
    await nats.restart();
    const info = await eventually(async () => (await jetstreamManager(connection)).streams.info('S'));
    expect(info.state.messages).toBe(1);
  } finally {
    await connection.close();
  }
});

it('redis-server is durable, and never evicts', async () => {
  await using redis = await startRedis();
  const client = new Redis(redis.url, { maxRetriesPerRequest: null });
  // the kill below; it connects again
  client.on('error', () => undefined);
  try {
    await client.set('key', 'value');
    await client.wait(0, 0);
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    await redis.kill();
    await redis.restart();
    expect(await client.get('key')).toBe('value');
  } finally {
    client.disconnect();
  }
});

it('Jaeger answers for a span that it was sent', async () => {
  await using jaeger = await startJaeger();
  const now = String(BigInt(Date.now()) * 1_000_000n);
  const span = {
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    name: 'app.render',
    kind: 1,
    startTimeUnixNano: now,
    endTimeUnixNano: now,
  };
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'hub' } }] };
  const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
  const headers = { 'content-type': 'application/json' };
  const sent = await fetch(`${jaeger.otlpUrl}/v1/traces`, { method: 'POST', headers, body });
  expect(sent.status).toBe(200);
  await eventually(async () => {
    const answer = await fetch(`${jaeger.queryUrl}/api/traces/${span.traceId}`);
    expect(await answer.json()).toMatchObject({ data: [{ spans: [{ operationName: 'app.render' }] }] });
  });
});
