/** Telnyx' own package, unchanged, against the emulator: what it sends, what it refuses, and how it signs. */
import Telnyx from 'telnyx';
import { describe, expect, it } from 'vitest';
import { TelnyxEmulator } from '../../src/emulators/index.js';
import { openWebhookPort, until, type WebhookPort } from '../support/webhook-port.js';

async function withVendor(run: (client: Telnyx, vendor: TelnyxEmulator, port: WebhookPort) => Promise<void>): Promise<void> {
  const port = await openWebhookPort(() => () => Promise.resolve(new Response('{}')));
  await using vendor = await TelnyxEmulator.start({ webhookUrl: port.url });
  try {
    await run(new Telnyx({ apiKey: vendor.apiKey, publicKey: vendor.publicKey, baseURL: `${vendor.url}/v2`, maxRetries: 0 }), vendor, port);
  } finally {
    await vendor.settled();
    await port.close();
  }
}

describe('Telnyx’ package', () => {
  it('sends messages with words and pictures', async () => {
    await withVendor(async (client, vendor) => {
      const { data } = await client.messages.send({ to: '+15550123', from: '+15550100', text: 'Hé 📦', media_urls: ['https://files.example/a.png'] });
      expect(data).toMatchObject({ type: 'MMS', direction: 'outbound', text: 'Hé 📦', to: [{ phone_number: '+15550123', status: 'queued' }] });
      expect(vendor.phone('+15550123').messages).toEqual([
        { from: '+15550100', text: 'Hé 📦', mediaUrls: ['https://files.example/a.png'], id: data?.id },
      ]);
      expect((await client.messages.retrieve(data?.id ?? '')).data).toMatchObject({ id: data?.id });
    });
  });

  it('is told of every refusal by its code', async () => {
    await withVendor(async (client, vendor) => {
      const order = { to: '+15550123', from: '+15550100', text: 'x' };
      await vendor.phone('+15550199').sendSms('STOP');
      for (const [change, code, status] of [
        [{ to: '' }, '10004', 422],
        [{ to: '0123' }, '40310', 400],
        [{ from: '+15550999' }, '40305', 400],
        [{ from: undefined }, '40305', 400],
        [{ messaging_profile_id: 'another' }, '40311', 400],
        [{ text: '' }, '40304', 400],
        [{ text: 'ж'.repeat(671) }, '40302', 400],
        [{ text: 'a'.repeat(1531) }, '40302', 400],
        [{ media_urls: ['data:image/png;base64,AA'] }, '40317', 400],
        [{ webhook_url: 'nowhere' }, '10003', 422],
        [{ to: '+15550199' }, '40300', 400],
      ] as const) {
        const refused: unknown = await client.messages.send({ ...order, ...change } as never).catch((error: unknown) => error);
        expect(refused, JSON.stringify(change).slice(0, 80)).toMatchObject({ status, error: { errors: [{ code }] } });
      }
      for (const text of ['ж'.repeat(670), 'a'.repeat(1530)]) await client.messages.send({ ...order, text });
      const stranger = new Telnyx({ apiKey: 'wrong', baseURL: `${vendor.url}/v2`, maxRetries: 0 });
      await expect(stranger.messages.send(order)).rejects.toMatchObject({ status: 401, error: { errors: [{ code: '10009' }] } });
    });
  });

  it('believes the emulator’s calls, and nobody else’s', async () => {
    await withVendor(async (client, vendor, port) => {
      await vendor.phone('+15550123').sendSms('Où est mon colis ? 📦');
      vendor.setFate('+15550123', 'delivery_failed', '40001');
      await client.messages.send({ to: '+15550123', from: '+15550100', text: 'x', webhook_url: `${port.url}?a=b` });
      await until(() => port.calls.length === 3, 'a message and two statuses');
      const events: unknown[] = [];
      for (const { request } of port.calls) {
        const headers = Object.fromEntries(request.headers);
        const body = await request.clone().text();
        events.push(await client.webhooks.unwrap(body, { headers }));
        await expect(client.webhooks.unwrap(`${body} `, { headers })).rejects.toThrow();
        await expect(client.webhooks.unwrap(body, { headers, key: Buffer.alloc(32, 7).toString('base64') })).rejects.toThrow();
      }
      expect(events).toMatchObject([
        { data: { event_type: 'message.received', payload: { direction: 'inbound', text: 'Où est mon colis ? 📦' } } },
        { data: { event_type: 'message.sent', payload: { to: [{ status: 'sent' }] } } },
        { data: { event_type: 'message.finalized', payload: { to: [{ status: 'delivery_failed' }], errors: [{ code: '40001' }] } } },
      ]);
      expect(port.calls[1]?.request.url).toBe(`${port.url}?a=b`);
    });
  });
});
