/** Webhooks of the kit's channels on a real server, called by an emulated vendor (WHK-03). */
import { afterEach, describe, expect, it } from 'vitest';
import { TwilioEmulator } from '../../src/emulators/index.js';
import { RoomKit, SMSChannel, TransportChannel, WebSocketChannel, type Logger } from '../../src/index.js';
import { TwilioSMSProvider } from '../../src/providers/twilio/index.js';
import { serve, type ServeOptions } from '../../src/server/index.js';
import { verifies } from '../requirements.js';

const PHONE = '+15550123';
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

class Lines implements Logger {
  readonly lines: string[] = [];
  readonly #add = (message: string, fields?: object): void => void this.lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  readonly debug = this.#add;
  readonly info = this.#add;
  readonly warn = this.#add;
  readonly error = this.#add;
}

/** A desk in the browser, a phone at the other end of Twilio. */
async function world(options: Partial<ServeOptions> = {}, provider?: Partial<TwilioSMSProvider>) {
  const twilio = await TwilioEmulator.start();
  const logger = new Lines();
  const kit = new RoomKit({ logger });
  const sms = new TwilioSMSProvider({
    accountSid: twilio.accountSid,
    authToken: twilio.authToken,
    fromNumber: '+15550100',
    baseUrl: twilio.url,
  });
  kit.registerChannel(new SMSChannel('sms-main', { provider: provider === undefined ? sms : Object.assign(sms, provider) }));
  kit.registerChannel(new WebSocketChannel('desk'));
  const server = await serve(kit, { port: 0, ...options });
  twilio.webhookUrl = `${server.url}/webhooks/sms-main`;
  open.push(twilio, kit, server);
  return { twilio, kit, server, logger, phone: twilio.phone(PHONE) };
}

describe('/webhooks/{channelId}', () => {
  it('takes a message, sends the answer, and follows it until it has arrived', async () => {
    verifies('WHK-01', 'WHK-03', 'WHK-04', 'WHK-05', 'OUT-07', 'F25');
    const { twilio, kit, phone } = await world();
    const steps: string[] = [];
    kit.onDeliveryStatus(({ status }) => void steps.push(status));
    expect(await phone.sendSms('Is my parcel on its way?')).toBe(200);
    const [room] = await kit.listRooms();
    const roomId = room?.id ?? '';
    const [event] = await messagesIn(kit, roomId);
    expect(event?.content).toEqual({ type: 'text', body: 'Is my parcel on its way?' });
    expect(event?.source).toMatchObject({ channelType: 'sms', provider: 'twilio', participantId: PHONE });
    expect(event?.source.rawPayload).toMatchObject({ FromCountry: 'US', Body: 'Is my parcel on its way?' });

    await kit.attachChannel(roomId, 'desk');
    await kit.sendEvent(roomId, 'desk', 'It is.');
    expect((await phone.waitForSms()).text).toBe('It is.');
    await twilio.settled();
    await kit.settled();
    const [row] = await kit.listDeliveries({ roomId });
    expect(row?.state).toBe('delivered');
    expect(steps).toEqual(['delivered']);
    expect(twilio.webhookCalls.map(({ status, answer }) => [status, answer])).toEqual([
      [200, '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'],
      [200, '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'],
      [200, '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'],
    ]);
  });

  it('stores once what the vendor sends twice', async () => {
    verifies('INB-08', 'WHK-03');
    const { twilio, kit, phone } = await world();
    twilio.disturbCallbacks({ isDoubled: true });
    expect(await phone.sendSms('Hello')).toBe(200);
    expect(twilio.webhookCalls.map(({ status }) => status)).toEqual([200, 200]);
    const rooms = await kit.listRooms();
    expect(rooms).toHaveLength(1);
    expect(await messagesIn(kit, rooms[0]?.id ?? '')).toHaveLength(1);
  });

  it('refuses who is not the vendor, and lets nothing of it in', async () => {
    verifies('WHK-03', 'PV-09');
    const { twilio, kit, server } = await world();
    const forged = await TwilioEmulator.start({ authToken: 'another-token', webhookUrl: `${server.url}/webhooks/sms-main` });
    open.push(forged);
    expect(await forged.phone(PHONE).sendSms('Let me in')).toBe(401);
    const unsigned = await fetch(`${server.url}/webhooks/sms-main`, { method: 'POST', body: `From=${PHONE}&Body=Hi&MessageSid=SM1` });
    expect(unsigned.status).toBe(401);
    expect(await kit.listRooms()).toEqual([]);
    expect(twilio.webhookCalls).toEqual([]);
  });

  it('is nowhere else', async () => {
    verifies('WHK-04');
    const { kit, server } = await world();
    kit.registerChannel(new TransportChannel('plain', { channelType: 'sms' }));
    for (const path of ['/webhooks/', '/webhooks/nobody', '/webhooks/desk', '/webhooks/plain', '/webhooks/%E0%A4%A']) {
      const response = await fetch(`${server.url}${path}`, { method: 'POST', body: '' });
      expect(response.status, path).toBe(404);
    }
  });

  it('reads what is posted below the address, too', async () => {
    verifies('WHK-04');
    const { twilio, phone, server } = await world();
    twilio.webhookUrl = `${server.url}/webhooks/sms-main/status`;
    expect(await phone.sendSms('Hello')).toBe(200);
  });

  it('verifies the address the vendor called, behind a proxy that changes it', async () => {
    verifies('PV-09', 'WHK-04');
    const { twilio, server, phone } = await world({ publicUrl: 'https://help.example/texts' });
    const through = `${server.url}/webhooks/sms-main`;
    expect(await phone.sendSms('straight'), 'signed for another address').toBe(401);
    twilio.webhookUrl = 'https://help.example/texts/webhooks/sms-main';
    const [signedCall] = await callsTo(twilio, 'by the proxy', phone.sendSms.bind(phone));
    const response = await fetch(through, { method: 'POST', headers: signedCall?.headers ?? {}, body: signedCall?.body as string });
    expect(response.status).toBe(200);
  });

  it('takes no call as long as it could not be verified, and says at once what is missing', async () => {
    verifies('WHK-04');
    const { logger, phone } = await world({}, { webhookNeeds: ['publicKey'] } as Partial<TwilioSMSProvider>);
    expect(logger.lines.join('\n')).toContain('publicKey');
    expect(await phone.sendSms('Hello')).toBe(503);
  });

  it('asks the vendor to call again when nothing could be stored', async () => {
    verifies('WHK-03');
    const { kit, phone } = await world();
    await kit.drain();
    expect(await phone.sendSms('Hello')).toBe(503);
  });

  it('lets the host wait until turns and deliveries have ended', async () => {
    verifies('WHK-05');
    const { kit } = await world();
    const { createWebhookHandler } = await import('../../src/index.js');
    const channel = kit.getChannel('sms-main');
    const provider = channel instanceof TransportChannel ? channel.webhook : undefined;
    if (provider === undefined) throw new Error('no webhook');
    const handle = createWebhookHandler({
      kit,
      provider: { name: 'twilio', parse: (request) => provider.parse(request), verify: () => true },
      channelId: 'sms-main',
    });
    const released: string[] = [];
    kit.registerChannel(
      new TransportChannel('slow', {
        channelType: 'webhook',
        provider: {
          name: 'slow',
          send: async () => {
            await new Promise((resolve) => setImmediate(resolve));
            released.push('sent');
            return { success: true };
          },
        },
      }),
    );
    await kit.createRoom({ roomId: 'r' });
    await kit.attachChannel('r', 'sms-main', { metadata: { phone_number: PHONE } });
    await kit.attachChannel('r', 'slow');
    const waiting: Promise<unknown>[] = [];
    const response = await handle(
      new Request('https://help.example/webhooks/sms-main', {
        method: 'POST',
        body: new URLSearchParams({ From: PHONE, Body: 'Hi', MessageSid: 'SM9' }),
      }),
      { waitUntil: (work) => void waiting.push(work) },
    );
    expect(response.status).toBe(200);
    await Promise.all(waiting);
    expect(released).toEqual(['sent']);
  });
});

async function messagesIn(kit: RoomKit, roomId: string) {
  return (await kit.getTimeline(roomId)).filter(({ type }) => type === 'message');
}

/** What the vendor would have called: its own attempt reaches nobody, since the address is not of this machine. */
async function callsTo(twilio: TwilioEmulator, text: string, send: (text: string) => Promise<number>) {
  const before = twilio.webhookCalls.length;
  await send(text);
  return twilio.webhookCalls.slice(before);
}
