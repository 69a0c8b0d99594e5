/** Twilio's own package, unchanged, against the emulator: what it sends, what it refuses, and how it signs. */
import twilio from 'twilio';
import { describe, expect, it } from 'vitest';
import { TwilioEmulator, type TwilioEmulatorOptions } from '../../src/emulators/index.js';
import { openWebhookPort, until, type WebhookPort } from '../support/webhook-port.js';

const SERVICE = `MG${'a'.repeat(32)}`;

async function withVendor(
  options: TwilioEmulatorOptions,
  run: (client: twilio.Twilio, vendor: TwilioEmulator, port: WebhookPort) => Promise<void>,
): Promise<void> {
  const port = await openWebhookPort(() => () => Promise.resolve(new Response('<Response></Response>')));
  await using vendor = await TwilioEmulator.start({ webhookUrl: port.url, messagingServices: { [SERVICE]: '+15550100' }, ...options });
  const client = twilio(vendor.accountSid, vendor.authToken);
  client.api.baseUrl = vendor.url;
  try {
    await run(client, vendor, port);
  } finally {
    await vendor.settled();
    await port.close();
  }
}

const formOf = async (request: Request): Promise<Record<string, string>> => Object.fromEntries(new URLSearchParams(await request.clone().text()));

describe('Twilio’s package', () => {
  it('sends a message and sees what became of it', async () => {
    await withVendor({}, async (client, vendor) => {
      const sent = await client.messages.create({
        to: '+15550123',
        from: '+15550100',
        body: 'Hé 📦 & more',
        mediaUrl: ['https://files.example/a.png'],
      });
      expect(sent).toMatchObject({ status: 'queued', from: '+15550100', to: '+15550123', body: 'Hé 📦 & more', numMedia: '1' });
      expect(sent.sid).toMatch(/^MM[0-9a-f]{32}$/);
      expect(vendor.phone('+15550123').messages).toEqual([
        { from: '+15550100', text: 'Hé 📦 & more', mediaUrls: ['https://files.example/a.png'], id: sent.sid },
      ]);
      expect((await client.messages(sent.sid).fetch()).status).toBe('delivered');
    });
  });

  it('is told of every refusal by its number', async () => {
    await withVendor({}, async (client, vendor) => {
      const order = { to: '+15550123', from: '+15550100', body: 'x' };
      await vendor.phone('+15550199').sendSms('STOP');
      for (const [change, code, status] of [
        [{ to: '' }, 21604, 400],
        [{ to: '0123' }, 21211, 400],
        [{ from: '+15550999' }, 21606, 400],
        [{ from: undefined }, 21603, 400],
        [{ body: '' }, 21602, 400],
        [{ body: 'x'.repeat(1601) }, 21617, 400],
        [{ mediaUrl: Array.from({ length: 11 }, () => 'https://files.example/a.png') }, 21623, 400],
        [{ mediaUrl: ['data:image/png;base64,AA'] }, 21620, 400],
        [{ statusCallback: 'nowhere' }, 21609, 400],
        [{ from: undefined, messagingServiceSid: `MG${'b'.repeat(32)}` }, 20404, 404],
        [{ to: '+15550199' }, 21610, 400],
      ] as const) {
        const refused: unknown = await client.messages.create({ ...order, ...change } as never).catch((error: unknown) => error);
        expect(refused, JSON.stringify(change).slice(0, 80)).toMatchObject({ code, status });
      }
      await expect(client.messages(`SM${'0'.repeat(32)}`).fetch()).rejects.toMatchObject({ code: 20404 });
      const stranger = twilio(vendor.accountSid, 'wrong');
      stranger.api.baseUrl = vendor.url;
      await expect(stranger.messages.create(order)).rejects.toMatchObject({ code: 20003, status: 401 });
    });
  });

  it('believes the emulator’s calls: messages, pictures and statuses', async () => {
    await withVendor({}, async (client, vendor, port) => {
      const phone = vendor.phone('+15550123');
      await phone.sendSms('Où est mon colis ? a+b=c&d 📦');
      await phone.sendSms('', { media: [{ url: 'https://files.example/a.png', mimeType: 'image/png' }] });
      await client.messages.create({ to: phone.number, messagingServiceSid: SERVICE, body: 'x', statusCallback: `${port.url}?a=b%20c` });
      await until(() => port.calls.length === 4, 'two messages and two statuses');
      for (const { request } of port.calls) {
        const given = request.headers.get('x-twilio-signature') ?? '';
        const form = await formOf(request);
        expect(twilio.validateRequest(vendor.authToken, given, request.url, form)).toBe(true);
        expect(twilio.validateRequest('wrong', given, request.url, form)).toBe(false);
        expect(twilio.validateRequest(vendor.authToken, given, request.url, { ...form, Body: 'changed' })).toBe(false);
      }
      expect((await formOf(port.calls[2]?.request ?? new Request('http://x'))).MessageStatus).toBe('sent');
    });
  });
});

describe('the emulator', () => {
  it('reports the fate it is told, with its code', async () => {
    await withVendor({}, async (client, vendor, port) => {
      vendor.setFate('+15550123', 'undelivered', '30003');
      const { sid } = await client.messages.create({ to: '+15550123', from: '+15550100', body: 'x' });
      await until(() => port.calls.length === 2, 'two statuses');
      const statuses = await Promise.all(port.calls.map(({ request }) => formOf(request)));
      expect(statuses.map(({ MessageSid, MessageStatus, ErrorCode }) => ({ MessageSid, MessageStatus, ErrorCode }))).toEqual([
        { MessageSid: sid, MessageStatus: 'sent', ErrorCode: undefined },
        { MessageSid: sid, MessageStatus: 'undelivered', ErrorCode: '30003' },
      ]);
      expect(vendor.phone('+15550123').messages).toEqual([]);
      expect(await client.messages(sid).fetch()).toMatchObject({ status: 'undelivered', errorCode: 30003 });
    });
  });

  it('answers STOP, START and HELP by itself, for the one number they were sent to', async () => {
    await withVendor({ numbers: ['+15550100', '+15550101'] }, async (client, vendor, port) => {
      const phone = vendor.phone('+15550123');
      await phone.sendSms('yes'); // to something else: this phone has not opted out
      expect(phone.messages).toEqual([]);
      await phone.sendSms(' Stop ', { to: '+15550101' });
      await phone.sendSms('stop it');
      expect(phone.messages.map(({ from, text }) => `${from}: ${text.slice(0, 40)}`)).toEqual([
        '+15550101: You have successfully been unsubscribed.',
      ]);
      await expect(client.messages.create({ to: phone.number, from: '+15550101', body: 'x' })).rejects.toMatchObject({ code: 21610 });
      await client.messages.create({ to: phone.number, from: '+15550100', body: 'x' });
      await phone.sendSms('UNSTOP', { to: '+15550101' });
      await client.messages.create({ to: phone.number, from: '+15550101', body: 'y' });
      await phone.sendSms('help');
      const types = await Promise.all(port.calls.map(async ({ request }) => (await formOf(request)).OptOutType));
      expect(types.filter((type) => type !== undefined)).toEqual(['STOP', 'START', 'HELP']);
    });
  });

  it('calls twice, late or not at all when it is told to', async () => {
    await withVendor({}, async (_client, vendor, port) => {
      const phone = vendor.phone('+15550123');
      vendor.disturbCallbacks({ isDropped: true });
      expect(await phone.sendSms('dropped')).toBe(0);
      vendor.disturbCallbacks({ isDoubled: true });
      await phone.sendSms('doubled');
      expect(port.calls).toHaveLength(2);
      const [first, second] = await Promise.all(port.calls.map(({ request }) => formOf(request)));
      expect(first).toEqual(second);
    });
  });
});
