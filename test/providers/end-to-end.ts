/** A whole conversation over a vendor: its emulator calls a webhook on a real port, the kit answers, statuses come back. */
import { describe, expect, it } from 'vitest';
import {
  createWebhookHandler,
  RoomKit,
  silentLogger,
  TransportChannel,
  type OutboxRow,
  type TransportProvider,
  type WebhookProvider,
} from '../../src/index.js';
import { TestClock, type OpenTransport, type TransportSetup } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { openWebhookPort, until, type WebhookPort } from '../support/webhook-port.js';

/** One conversation between somebody at a device and a desk. */
export interface Scene {
  readonly kit: RoomKit;
  readonly clock: TestClock;
  readonly setup: TransportSetup;
  readonly port: WebhookPort;
  /** Somebody writes; gives the room it came to. */
  write(text: string): Promise<string>;
  /** The desk says something in the room. */
  say(roomId: string, content: Parameters<RoomKit['sendEvent']>[2]): Promise<unknown>;
  rows(roomId: string): Promise<readonly OutboxRow[]>;
  texts(roomId: string): Promise<readonly string[]>;
}

/** A kit with this vendor's channel under the id `sms`, and a desk; the vendor calls its webhook. */
export async function withScene(
  open: OpenTransport,
  makeChannel: (provider: TransportProvider) => TransportChannel,
  run: (scene: Scene) => Promise<void>,
): Promise<void> {
  let handler: (request: Request) => Promise<Response> = () => Promise.reject(new Error('no handler yet'));
  const port = await openWebhookPort(() => handler);
  const setup = await open({ webhookUrl: port.url });
  const clock = new TestClock(Date.now()); // vendors sign the time of the day
  const kit = new RoomKit({ clock, logger: silentLogger });
  try {
    kit.registerChannel(makeChannel(setup.provider));
    kit.registerChannel(new TransportChannel('desk', { channelType: 'webhook' }));
    handler = createWebhookHandler({ kit, provider: setup.provider as WebhookProvider, channelId: 'sms' });
    await run({
      kit,
      clock,
      setup,
      port,
      write: async (text) => {
        await setup.write?.(text);
        const [room] = await kit.listRooms();
        if (room === undefined) throw new Error('No room was made.');
        await kit.attachChannel(room.id, 'desk');
        return room.id;
      },
      say: (roomId, content) => kit.sendEvent(roomId, 'desk', content, { wait: 'commit' }),
      rows: async (roomId) => (await kit.listDeliveries({ roomId })).filter(({ channelId }) => channelId === 'sms'),
      texts: async (roomId) =>
        (await kit.getTimeline(roomId)).flatMap(({ type, content }) => (type === 'message' && content.type === 'text' ? [content.body] : [])),
    });
  } finally {
    await kit.close();
    await setup.close();
    await port.close();
  }
}

/** What every vendor with a webhook has to bring about. */
export function endToEnd(open: OpenTransport, makeChannel: (provider: TransportProvider) => TransportChannel): void {
  const scene = (run: (scene: Scene) => Promise<void>) => () => withScene(open, makeChannel, run);
  describe('a conversation from end to end', () => {
    it(
      'a message makes a room, the answer arrives at the device, and its status moves the delivery',
      scene(async ({ write, say, setup, kit, rows, port }) => {
        verifies('WHK-03', 'PV-11', 'OUT-07');
        const roomId = await write('Is my parcel on its way?');
        const [event] = (await kit.getTimeline(roomId)).filter(({ type }) => type === 'message');
        expect(event).toMatchObject({ content: { type: 'text', body: 'Is my parcel on its way?' }, source: { channelId: 'sms' } });
        expect(Object.keys(event?.source.rawPayload ?? {})).not.toEqual([]);
        expect(port.calls[0]?.status).toBe(200);
        await say(roomId, 'It is: tomorrow 📦');
        await until(() => setup.arrived().some(({ text }) => text === 'It is: tomorrow 📦'), 'the answer arrives');
        const state = setup.webhook?.reportsStatus === true ? 'delivered' : 'sent';
        await until(async () => (await rows(roomId))[0]?.state === state, `the delivery is ${state}`);
        expect(port.calls.every(({ status }) => status === 200)).toBe(true);
      }),
    );

    it(
      'a call that comes again is answered, and makes no second event',
      scene(async ({ write, port, texts }) => {
        verifies('INB-08', 'PV-07');
        const roomId = await write('once');
        expect(await port.replay(0)).toBe(200);
        expect(await port.replay(0)).toBe(200);
        expect(await texts(roomId)).toEqual(['once']);
        await write('twice');
        expect(await texts(roomId)).toEqual(['once', 'twice']);
      }),
    );

    it(
      'a status that comes again or late moves nothing back, and nobody hears of it twice',
      scene(async ({ write, say, setup, kit, rows, port }) => {
        verifies('F25', 'OUT-07', 'PV-11');
        if (setup.webhook?.reportsStatus !== true) return;
        const roomId = await write('Hello');
        const heard: string[] = [];
        kit.onDeliveryStatus(({ status }) => void heard.push(status));
        await say(roomId, 'Hello yourself');
        await until(async () => (await rows(roomId))[0]?.state === 'delivered', 'it is delivered');
        await until(() => heard.includes('delivered'), 'it is heard of');
        const [before, calls] = [[...heard], port.calls.length];
        for (let position = 1; position < calls; position++) expect(await port.replay(position)).toBe(200);
        expect((await rows(roomId))[0]?.state).toBe('delivered');
        expect(heard).toEqual(before);
      }),
    );

    it(
      'what the vendor asks to wait for is tried again, and arrives once',
      scene(async ({ write, say, setup, clock, rows }) => {
        verifies('OUT-05', 'PV-12');
        const roomId = await write('Hello');
        setup.fail({ status: 429, headers: { 'retry-after': '2' } });
        await say(roomId, 'Hello yourself');
        await until(
          async () => (await rows(roomId))[0]?.attempts === 1 && (await rows(roomId))[0]?.state === 'queued',
          'the first attempt has failed',
        );
        expect(setup.arrived().filter(({ text }) => text === 'Hello yourself')).toHaveLength(0);
        // Not so far that an attempt over a real socket is given up by the clock of the kit.
        await clock.advance(5000);
        await until(() => setup.arrived().some(({ text }) => text === 'Hello yourself'), 'the second attempt arrives');
        await until(async () => ['sent', 'delivered'].includes((await rows(roomId))[0]?.state ?? ''), 'the delivery has ended');
        expect((await rows(roomId))[0]?.attempts).toBe(2);
        expect(setup.arrived().filter(({ text }) => text === 'Hello yourself')).toHaveLength(1);
      }),
    );

    it(
      'what will never pass is not tried again, and says why',
      scene(async ({ write, say, setup, clock, rows }) => {
        verifies('OUT-05', 'OUT-06', 'PV-12');
        const roomId = await write('Hello');
        const permanent = setup.errors.find(({ retryable, code }) => !retryable && code !== 'auth_error');
        if (permanent === undefined) throw new Error('The vendor documents no permanent error.');
        setup.fail({ ...permanent.fault, times: 5 });
        await say(roomId, 'Hello yourself');
        await until(async () => (await rows(roomId))[0]?.state === 'failed', 'the delivery has failed');
        await clock.advance(60_000);
        expect(await rows(roomId)).toMatchObject([{ state: 'failed', attempts: 1, lastError: { code: permanent.code, retryable: false } }]);
        expect(setup.arrived()).toEqual([]);
      }),
    );

    it(
      'a call that nobody signed is refused, and nothing of it is read',
      scene(async ({ write, port, texts, setup }) => {
        verifies('PV-09', 'WHK-03');
        const roomId = await write('signed');
        const call = port.calls[0]?.request;
        const header = setup.webhook?.signatureHeader;
        if (call === undefined) throw new Error('There was no call.');
        const headers = new Headers(call.headers);
        if (header !== undefined) headers.delete(header);
        // Where the secret is in the path, the call goes to another.
        const url = header === undefined ? `${call.url}x` : call.url;
        const body = (await call.text()).replace('signed', 'forged');
        const response = await fetch(url, { method: 'POST', headers: { 'content-type': headers.get('content-type') ?? '' }, body });
        expect(response.status).toBe(401);
        expect(await texts(roomId)).toEqual(['signed']);
      }),
    );
  });
}
