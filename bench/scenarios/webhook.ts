/** webhook_to_ws: a signed text message of a vendor, by its webhook, to a socket; and what verifying and reading one costs. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createWebhookHandler, RoomKit, SMSChannel, WebSocketChannel, type WebhookRequest } from 'roomkit';
import { TwilioSMSProvider } from 'roomkit/twilio';
import { ceilingInbound, ceilingRoom } from '../ceiling.js';
import { atLeast, atMost } from '../figures.js';
import { BODY, check, type Scenario } from '../harness.js';
import { Counter } from '../rooms.js';

const URL_CALLED = 'https://help.example/webhooks/sms';
const ACCOUNT = `AC${'0'.repeat(32)}`;
const TOKEN = 'token-of-a-benchmark';
const PHONE = '+15550123';

export const webhookToWs: Scenario = {
  name: 'webhook_to_ws',
  async run(bench) {
    const provider = new TwilioSMSProvider({ accountSid: ACCOUNT, authToken: TOKEN, fromNumber: '+15550100' });
    const kit = new RoomKit();
    const heard = new Counter();
    const ws = new WebSocketChannel('ws');
    kit.registerChannel(new SMSChannel('sms', { provider }));
    kit.registerChannel(ws);
    await kit.createRoom({ roomId: 'room-0' });
    await kit.attachChannel('room-0', 'sms', { metadata: { phone_number: PHONE } });
    await kit.attachChannel('room-0', 'ws');
    ws.registerConnection('c', heard.send, { roomIds: ['room-0'] });
    const handle = createWebhookHandler({ kit, provider, channelId: 'sms' });
    const plain = ceilingRoom('room-0');
    const plainHeard = new Counter();
    plain.targets.push({ channelId: 'ws', connections: [plainHeard.send] });

    const messages = bench.size(10_000, 20);
    let made = 0;
    const rates = await bench.compare(
      {
        messages,
        begin: () => {
          const calls = callsOf(messages, () => made++);
          const before = heard.delivered;
          return {
            async work() {
              for (const { body, signature } of calls) {
                const response = await handle(new Request(URL_CALLED, { method: 'POST', headers: headersOf(body, signature), body }));
                await response.text();
              }
            },
            end: () => check(heard.delivered - before === messages, 'messages are missing'),
          };
        },
      },
      {
        messages,
        begin: () => {
          const calls = callsOf(messages, () => made++);
          const before = plainHeard.delivered;
          return {
            async work() {
              for (const { body, signature } of calls) {
                const request = new Request(URL_CALLED, { method: 'POST', headers: headersOf(body, signature), body });
                const form = new URLSearchParams(await request.text());
                check(isSigned(form, request.headers.get('x-twilio-signature') ?? ''), 'a signature is wrong');
                await ceilingInbound(plain, 'sms', form.get('From') ?? '', form.get('Body') ?? '');
                await new Response('<Response/>', { headers: { 'content-type': 'text/xml' } }).text();
              }
            },
            end: () => check(plainHeard.delivered - before === messages, 'messages are missing'),
          };
        },
      },
    );
    bench.report('throughput', 'msg/s', rates.ours, { limit: rates.limit, goal: atLeast(8000) });

    const requests = callsOf(bench.size(5000, 20), () => made++).map(({ body, signature }): WebhookRequest => ({
      method: 'POST',
      url: URL_CALLED,
      headers: new Headers(headersOf(body, signature)),
      body: new TextEncoder().encode(body),
      receivedAt: 0,
    }));
    const microseconds: number[] = [];
    for (const request of requests) {
      const startedAt = performance.now();
      const isBelieved = provider.verify(request);
      const metas = provider.parse(request);
      microseconds.push((performance.now() - startedAt) * 1000);
      check(isBelieved && metas[0]?.type === 'message', 'a call was not believed');
    }
    bench.report('verify_and_parse', 'µs', microseconds, { goal: atMost(100) });
    await kit.close();
  },
};

interface Call {
  readonly body: string;
  readonly signature: string;
}

/** Calls as Twilio makes them, each of a message of its own. */
function callsOf(count: number, next: () => number): readonly Call[] {
  return Array.from({ length: count }, () => {
    const sid = `SM${next().toString(16).padStart(32, '0')}`;
    const form = new URLSearchParams({
      ToCountry: 'US',
      ToState: 'CA',
      SmsMessageSid: sid,
      NumMedia: '0',
      FromZip: '94105',
      SmsSid: sid,
      FromState: 'CA',
      SmsStatus: 'received',
      FromCity: 'SAN FRANCISCO',
      Body: BODY,
      FromCountry: 'US',
      To: '+15550100',
      NumSegments: '1',
      MessageSid: sid,
      AccountSid: ACCOUNT,
      From: PHONE,
      ApiVersion: '2010-04-01',
    });
    return { body: form.toString(), signature: signatureOf(form).toString('base64') };
  });
}

function headersOf(body: string, signature: string): Record<string, string> {
  return {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    'content-length': String(body.length),
    'x-twilio-signature': signature,
  };
}

function signatureOf(form: URLSearchParams): Buffer {
  let text = URL_CALLED;
  for (const name of [...form.keys()].sort()) text += name + (form.get(name) ?? '');
  return createHmac('sha1', TOKEN).update(text).digest();
}

function isSigned(form: URLSearchParams, given: string): boolean {
  const signature = Buffer.from(given, 'base64');
  const expected = signatureOf(form);
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}
