import { describe, expect, it } from 'vitest';
import { verifies } from '../../test/requirements.js';
import { RoomKit } from '../core/kit.js';
import { silentLogger } from '../core/logger.js';
import { TestClock } from '../testing/test-clock.js';
import { TransportChannel } from './transport.js';
import { createWebhookHandler, type WebhookHandlerOptions, type WebhookOpening, type WebhookProvider } from './webhook.js';

/** A vendor that signs with the number of bytes. */
class Vendor implements WebhookProvider {
  readonly name = 'vendor';
  parsed = 0;
  verify({ headers, body }: Parameters<NonNullable<WebhookProvider['verify']>>[0]): boolean {
    return headers.get('x-bytes') === String(body.byteLength);
  }
  parse({ body }: Parameters<WebhookProvider['parse']>[0]): ReturnType<WebhookProvider['parse']> {
    this.parsed++;
    return JSON.parse(new TextDecoder().decode(body)) as ReturnType<WebhookProvider['parse']>;
  }
}

function setUp(options: Partial<WebhookHandlerOptions> = {}) {
  const kit = new RoomKit({ clock: new TestClock(), logger: silentLogger });
  kit.registerChannel(new TransportChannel('sms', { channelType: 'sms', recipientKey: 'phone_number' }));
  const provider = new Vendor();
  const route = createWebhookHandler({ kit, provider, channelId: 'sms', ...options });
  const post = (body: string | ReadableStream<Uint8Array>, headers: Record<string, string> = {}): Promise<Response> =>
    route(
      new Request('https://x/hook', {
        method: 'POST',
        body,
        headers: { ...(typeof body === 'string' && { 'x-bytes': String(body.length) }), ...headers },
        ...(typeof body !== 'string' && { duplex: 'half' }),
      }),
    );
  return { kit, provider, post };
}

const hello = JSON.stringify([{ type: 'message', message: { senderId: '+1', content: 'Hello', idempotencyKey: 'm1' } }]);

describe('a webhook', () => {
  it('is verified before it is parsed, and what does not say true has not verified', async () => {
    verifies('WHK-03');
    const { kit, provider, post } = setUp();
    await using _kit = kit;
    expect((await post(hello, { 'x-bytes': '1' })).status).toBe(401);
    expect(provider.parsed).toBe(0);
    for (const verify of [
      () => 'yes' as unknown as boolean,
      () => Promise.resolve(1 as unknown as boolean),
      () => Promise.reject(new Error('no key')),
      () => {
        throw new Error('no key');
      },
    ]) {
      const odd = setUp({ provider: { name: 'odd', verify, parse: () => [] } });
      await using _odd = odd.kit;
      expect((await odd.post(hello)).status).toBe(401);
    }
  });

  it('is answered with 200 for what is no message, for a duplicate and for what a hook blocked', async () => {
    verifies('WHK-01', 'WHK-03');
    const { kit, post } = setUp();
    await using _kit = kit;
    expect((await post(JSON.stringify([{ type: 'ignored', reason: 'a read receipt of a group' }]))).status).toBe(200);
    expect(await kit.listRooms()).toEqual([]);
    for (let n = 0; n < 2; n++) expect((await post(hello)).status).toBe(200);
    const [room] = await kit.listRooms();
    expect((await kit.getTimeline(room?.id ?? '')).filter(({ type }) => type === 'message')).toHaveLength(1);
    await kit.closeRoom(room?.id ?? '');
    expect((await post(hello.replace('m1', 'm2'))).status).toBe(200);
  });

  it('does not wait for the answers of agents: 2xx means committed', async () => {
    verifies('WHK-03');
    const { kit, post } = setUp();
    await using _kit = kit;
    let release: () => void = () => undefined;
    kit.hook('after_broadcast', { name: 'slow' }, () => new Promise<void>((resolve) => (release = resolve)));
    expect((await post(hello)).status).toBe(200);
    release();
  });

  it('is read no further than allowed', async () => {
    verifies('WHK-03', 'CON-13');
    const { kit, post } = setUp({ maxBodyBytes: 1000 });
    await using _kit = kit;
    let read = 0;
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => (read++, controller.enqueue(new Uint8Array(400))) }, { highWaterMark: 0 });
    expect((await post(endless)).status).toBe(413);
    expect(read).toBeLessThan(6);
    expect((await post('x'.repeat(1001))).status).toBe(413);
  });

  it('whose body does not come to its end is no message', async () => {
    verifies('WHK-03');
    const { provider, post } = setUp();
    const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('the connection is lost')) });
    expect((await post(broken)).status).toBe(400);
    expect(provider.parsed).toBe(0);
  });

  it('takes what its provider says later, by the kit’s clock, and logs what could not be taken', async () => {
    verifies('WHK-06');
    const clock = new TestClock();
    const logged: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => void logged.push(message) };
    await using kit = new RoomKit({ clock, logger });
    kit.registerChannel(new TransportChannel('sms', { channelType: 'sms', recipientKey: 'phone_number' }));
    let host: WebhookOpening | undefined;
    const provider: WebhookProvider = { name: 'late', verify: () => true, parse: () => [], opened: (given) => void (host = given) };
    createWebhookHandler({ kit, provider, channelId: 'sms' });
    expect(host?.clock).toBe(clock);
    await host?.take({ type: 'message', message: { senderId: '+1', content: 'Hello', idempotencyKey: 'm1' } });
    const [room] = await kit.listRooms();
    expect((await kit.getTimeline(room?.id ?? '')).filter(({ type }) => type === 'message')).toHaveLength(1);
    expect(logged).toEqual([]);
    await host?.take({ type: 'message', message: { senderId: '+1', content: 7 as never } });
    expect(logged).toEqual(['A message that its vendor will not send again was not taken.']);
  });
});
