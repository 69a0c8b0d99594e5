/** What `/metrics` and `/readyz` say of a kit and its store. */
import { describe, expect, it } from 'vitest';
import { HookResult } from '../../src/core/index.js';
import { FaultStore } from '../../src/testing/index.js';
import { VERSION } from '../../src/server/version.js';
import { TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';
import { readOpenMetrics, type Family } from './open-metrics.js';
import { ADA, AskedServer, LOCAL } from './served-kit.js';

/** Sample, written as name{label=value,…} → value. */
function valuesOf(families: ReadonlyMap<string, Family>): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { samples } of families.values())
    for (const { name, labels, value } of samples) {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}=${text}`);
      values[pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`] = value;
    }
  return values;
}

async function metricsOf(server: AskedServer): Promise<Map<string, Family>> {
  const answer = await server.ask({ peer: LOCAL }, 'GET', '/metrics');
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/openmetrics-text; version=1.0.0; charset=utf-8']);
  return readOpenMetrics(answer.text);
}

describe('the reader of these tests', () => {
  const family = '# TYPE a counter\n# HELP a Counts.\na_total 1\n';
  it.each([
    ['an end', family],
    ['one family of a name', `${family}# TYPE b gauge\nb 1\n# TYPE a counter\na_total 2\n# EOF\n`],
    ['samples of their family', '# TYPE a counter\na 1\n# EOF\n'],
    ['a sample once', `${family}a_total 2\n# EOF\n`],
    ['names with their unit', '# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n'],
    ['a last bucket', '# TYPE a histogram\na_bucket{le="1.0"} 1\na_count 1\na_sum 1\n# EOF\n'],
    ['cumulative buckets', '# TYPE a histogram\na_bucket{le="1.0"} 2\na_bucket{le="+Inf"} 1\na_count 1\na_sum 1\n# EOF\n'],
    ['right labels', '# TYPE a gauge\na{b=c} 1\n# EOF\n'],
    ['no empty lines', '# TYPE a gauge\n\na 1\n# EOF\n'],
  ])('asks for %s', (_what, text) => {
    expect(() => readOpenMetrics(text)).toThrow();
  });
});

describe('metrics', () => {
  it('tell of the process and its store in the OpenMetrics format', async () => {
    verifies('OPS-04', 'OPS-01', 'OPS-03');
    const server = await AskedServer.open();
    const { kit, clock } = server;
    const sms = new TestTransport('texts', { channelType: 'sms' });
    kit.registerChannel(sms);
    await kit.attachChannel('acme-1', 'texts', { retryPolicy: { maxRetries: 1, baseDelaySeconds: 1 } });
    kit.hook('before_broadcast', { name: 'no_spam' }, (event) =>
      event.content.type === 'text' && event.content.body === 'spam' ? HookResult.block('spam') : HookResult.allow(),
    );
    const say = (content: string, idempotencyKey?: string) =>
      kit.processInbound(
        { channelId: 'web', senderId: 'ada', content, ...(idempotencyKey !== undefined && { idempotencyKey }) },
        { roomId: 'acme-1', wait: 'commit' },
      );
    await say('one', 'k');
    await say('one', 'k');
    await say('spam');
    sms.failNext();
    await say('two');
    await clock.advance(5000);
    sms.hangNext();
    await say('three');
    await say('four');
    await clock.advance(2000);
    const families = await metricsOf(server);
    for (const { name, help } of families.values()) {
      expect(name).toMatch(/^roomkit(_[a-z]+)*$/);
      expect(help, name).toBeTruthy();
    }
    const values = valuesOf(families);
    expect(values).toMatchObject({
      [`roomkit_info{version=${VERSION},store=memory}`]: 1,
      'roomkit_state{roomkit_state=open}': 1,
      'roomkit_state{roomkit_state=draining}': 0,
      'roomkit_inbound_messages_total{outcome=accepted}': 4,
      'roomkit_inbound_messages_total{outcome=duplicate}': 1,
      'roomkit_inbound_messages_total{outcome=blocked}': 1,
      'roomkit_inbound_messages_total{outcome=failed}': 0,
      'roomkit_deliveries_total{channel_type=sms,outcome=sent}': 2,
      'roomkit_deliveries_total{channel_type=sms,outcome=failed}': 0,
      'roomkit_delivery_retries_total{channel_type=sms}': 1,
      roomkit_delivery_duration_seconds_count: 3,
      'roomkit_lanes{channel_type=sms}': 1,
      'roomkit_lane_items{channel_type=sms}': 2,
      'roomkit_breakers{state=closed}': 3,
      roomkit_store_up: 1,
      'roomkit_outbox_rows{state=queued}': 1,
      'roomkit_outbox_rows{state=sending}': 1,
      roomkit_outbox_oldest_unanswered_seconds: 2,
      roomkit_uptime_seconds: 7,
    });
    // Neither rooms nor people nor channels of the host are named.
    const answer = await server.ask({ peer: LOCAL }, 'GET', '/metrics');
    expect(answer.text).not.toMatch(/acme|globex|ada|"web"|texts|desk/);
    sms.resume();
    await clock.advance(0);
  });

  it('are as many for many rooms as for one', async () => {
    verifies('OPS-04');
    const server = await AskedServer.open();
    const before = valuesOf(await metricsOf(server));
    for (let n = 0; n < 200; n++) await server.kit.createRoom({ roomId: `more-${n}` });
    expect(Object.keys(valuesOf(await metricsOf(server)))).toEqual(Object.keys(before));
  });

  it('do without a store that does not answer', async () => {
    verifies('OPS-04', 'OPS-05', 'AUTH-12');
    const store = new FaultStore();
    const server = await AskedServer.open({}, { store });
    store.fail('summarizeWork');
    const values = valuesOf(await metricsOf(server));
    expect(values['roomkit_store_up']).toBe(0);
    expect(Object.keys(values).filter((name) => name.startsWith('roomkit_outbox'))).toEqual([]);
    store.hang('summarizeWork');
    store.hang('findRooms');
    const asking = metricsOf(server);
    const ready = server.ask({ peer: LOCAL }, 'GET', '/readyz');
    await server.clock.advance(2000);
    expect(valuesOf(await asking)['roomkit_store_up']).toBe(0);
    const { status, headers, json } = await ready;
    expect([status, json['code'], headers.get('retry-after')]).toEqual([503, 'not_ready', '5']);
  });

  it('are for who may know of all', async () => {
    verifies('OPS-04', 'AUTH-11', 'AUTH-09');
    const server = await AskedServer.open();
    const token = (await server.tokens.mint(ADA)).token;
    expect((await server.ask({}, 'GET', '/metrics')).status).toBe(401);
    expect((await server.ask({ key: 'none' }, 'GET', '/metrics')).status).toBe(200);
    expect((await server.ask({ key: 'acme' }, 'GET', '/metrics')).json).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await server.ask({ token }, 'GET', '/metrics')).json).toMatchObject({ status: 403, code: 'forbidden' });
    const ofAcme = await AskedServer.open({}, { organizationId: 'acme' });
    expect((await ofAcme.ask({ key: 'acme' }, 'GET', '/metrics')).status).toBe(200);
  });

  it('are not ready once the server closes', async () => {
    verifies('OPS-05', 'AUTH-11');
    const closing = new AbortController();
    const server = await AskedServer.open({ closing: closing.signal });
    expect((await server.ask({ peer: LOCAL }, 'GET', '/readyz')).status).toBe(200);
    closing.abort();
    expect((await server.ask({ peer: LOCAL }, 'GET', '/readyz')).json).toMatchObject({ status: 503, code: 'not_ready' });
  });
});
