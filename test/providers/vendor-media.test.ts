/** Files of vendors that give them to nobody else: from the vendor's emulator into the media store, and on to another vendor. */
import { afterEach, describe, expect, it } from 'vitest';
import { TelegramEmulator, WhatsAppEmulator } from '../../src/emulators/index.js';
import type { TransportChannel } from '../../src/index.js';
import {
  RoomKit,
  silentLogger,
  SMSChannel,
  TelegramChannel,
  type ErrorNotice,
  type MediaFetch,
  type MediaFetchOptions,
  type MediaRecord,
  type RoomEvent,
  WhatsAppChannel,
} from '../../src/index.js';
import { guardedFetch } from '../../src/providers/media/index.js';
import { TelegramBotProvider } from '../../src/providers/telegram/index.js';
import { TelnyxSMSProvider } from '../../src/providers/telnyx/index.js';
import { TwilioSMSProvider } from '../../src/providers/twilio/index.js';
import { WhatsAppCloudProvider } from '../../src/providers/whatsapp/index.js';
import { serve } from '../../src/server/index.js';
import { InMemoryMediaStore, MockTransportProvider } from '../../src/testing/index.js';
import { TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

const JPEG = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, ...new Uint8Array(600).fill(9)]);

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface World {
  readonly kit: RoomKit;
  readonly store: InMemoryMediaStore;
  readonly errors: ErrorNotice[];
  /** Every request of the guarded fetch. */
  readonly fetched: { readonly url: string; readonly options: MediaFetchOptions | undefined }[];
  readonly webhook: string;
  /** The one message there is. */
  message(): Promise<RoomEvent>;
}

async function world(channel: TransportChannel): Promise<World> {
  const store = new InMemoryMediaStore();
  const guarded = guardedFetch({ allowPrivate: true });
  const fetched: World['fetched'] = [];
  store.fetch = (url, options) => {
    fetched.push({ url, options });
    return guarded(url, options);
  };
  const kit = new RoomKit({ logger: silentLogger, mediaStore: store });
  kit.registerChannel(channel);
  const errors: ErrorNotice[] = [];
  kit.hook('on_error', (error) => void errors.push(error));
  const server = await serve(kit, { port: 0 });
  open.push(
    () => kit.close(),
    () => server.close(),
  );
  const message = async (): Promise<RoomEvent> => {
    const [room] = await kit.listRooms();
    const found = (await kit.getTimeline(room?.id ?? '')).find(({ type }) => type === 'message');
    if (found === undefined) throw new Error('Nothing came.');
    return found;
  };
  return { kit, store, errors, fetched, webhook: `${server.url}/webhooks/${channel.channelId}`, message };
}

function recordOf(event: RoomEvent): MediaRecord | undefined {
  return (event.channelData.extra?.['media'] as readonly MediaRecord[] | undefined)?.[0]; // what is expected of it
}

async function bytesOf(store: InMemoryMediaStore, id = ''): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of await store.open(id)) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

async function telegram(): Promise<World & { vendor: TelegramEmulator; provider: TelegramBotProvider }> {
  const vendor = await TelegramEmulator.start();
  open.push(() => vendor.close());
  const provider = new TelegramBotProvider({ botToken: vendor.botToken, baseUrl: vendor.url });
  const made = await world(new TelegramChannel('telegram', { provider }));
  await provider.registerWebhook(made.webhook);
  return { ...made, vendor, provider };
}

describe('a photo from Telegram', () => {
  it('is fetched by its id and kept', async () => {
    verifies('MED-01', 'PV-14');
    const { kit, vendor, store, message, fetched } = await telegram();
    expect(await vendor.chat('ada').writePhoto({ bytes: JPEG, mimeType: 'image/jpeg', caption: 'This one' })).toBe(200);
    await kit.settled();
    const event = await message();
    const record = recordOf(event);
    expect(record?.original_url).toMatch(/^https:\/\/api\.telegram\.org\/file\//);
    expect(event.content).toMatchObject({ type: 'media', url: record?.url, mimeType: 'image/jpeg', caption: 'This one', sizeBytes: JPEG.length });
    expect(await bytesOf(store, record?.id)).toEqual(JPEG);
    expect(fetched.map(({ url }) => url.startsWith(`${vendor.url}/file/bot`))).toEqual([true]);
    expect(JSON.stringify(event), 'the token stays where it is').not.toContain(vendor.botToken);
  });

  it('that is gone stays an address, and the error names no token', async () => {
    verifies('MED-01', 'PV-03');
    const { kit, vendor, message, errors } = await telegram();
    vendor.fail({ status: 400, body: { ok: false, error_code: 400, description: 'Bad Request: file is too big' } });
    await vendor.chat('ada').writePhoto({ bytes: JPEG, mimeType: 'image/jpeg' });
    await kit.settled();
    expect(recordOf(await message())).toMatchObject({ error: 'media_unavailable', attempts: 1, retryable: false });
    expect(errors).toMatchObject([{ category: 'media', code: 'media_unavailable', channel_id: 'telegram' }]);
    expect(JSON.stringify(errors)).not.toContain(vendor.botToken);
  });

  it('goes out over another vendor by the link of the stored file', async () => {
    verifies('PV-05', 'MED-01');
    const { kit, vendor, store } = await telegram();
    const sms = new MockTransportProvider('sms', { fetchesMedia: true });
    kit.registerChannel(new SMSChannel('sms', { provider: sms }));
    await vendor.chat('ada').write('Hello');
    const [room] = await kit.listRooms();
    await kit.attachChannel(room?.id ?? '', 'sms', { metadata: { phone_number: '+15550001111' } });
    await vendor.chat('ada').writePhoto({ bytes: JPEG, mimeType: 'image/jpeg' });
    await kit.settled();
    expect(sms.sent.map(({ content }) => content)).toMatchObject([
      { type: 'media', url: expect.stringMatching(`^https://media.test/media/${store.ids[0] ?? ''}\\?`) as string, mimeType: 'image/jpeg' },
    ]);
  });

  it('and an ordinary link are told apart', async () => {
    verifies('MED-01');
    const { provider } = await telegram();
    const fetch: MediaFetch = () => Promise.reject(new Error('asked'));
    const { signal } = new AbortController();
    for (const url of ['https://example.com/a.png', 'https://api.telegram.org/', 'https://api.telegram.org.evil.example/file/AgAC'])
      expect(await provider.fetchMedia(url, { fetch, signal })).toBeNull();
  });
});

describe('a picture from WhatsApp', () => {
  it('is fetched by its id, with the token, and kept', async () => {
    verifies('MED-01', 'PV-14');
    const vendor = await WhatsAppEmulator.start({ accessToken: 'the-token-of-the-user', appSecret: 'the-secret-of-the-app' });
    open.push(() => vendor.close());
    const provider = new WhatsAppCloudProvider({
      accessToken: 'the-token-of-the-user',
      appSecret: 'the-secret-of-the-app',
      verifyToken: 'words',
      phoneNumberId: vendor.phoneNumberId,
      baseUrl: vendor.url,
    });
    const { kit, store, message, fetched, webhook } = await world(new WhatsAppChannel('whatsapp', { provider }));
    vendor.webhookUrl = webhook;
    await vendor.phone('+15550123').sendPhoto({ bytes: JPEG, mimeType: 'image/jpeg', caption: 'Look' });
    await kit.settled();
    const event = await message();
    const record = recordOf(event);
    expect(record?.original_url).toMatch(/^https:\/\/graph\.facebook\.com\/\d+$/);
    expect(event.content).toMatchObject({ url: record?.url, caption: 'Look' });
    expect(await bytesOf(store, record?.id)).toEqual(JPEG);
    expect(fetched.map(({ options }) => options?.credentials?.hosts)).toEqual([['lookaside.fbsbx.com', new URL(vendor.url).host]]);
    const { signal } = new AbortController();
    const fetch: MediaFetch = () => Promise.reject(new Error('asked'));
    expect(await provider.fetchMedia('https://example.com/a.png', { fetch, signal })).toBeNull();
    await expect(provider.fetchMedia('https://graph.facebook.com/99999', { fetch, signal })).rejects.toMatchObject({ code: 'media_unavailable' });
  });
});

describe('a picture from Twilio', () => {
  it('is asked for with the account, at Twilio and for this account only', () => {
    verifies('MED-01', 'PV-14');
    const accountSid = `AC${'1'.repeat(32)}`;
    const provider = new TwilioSMSProvider({ accountSid, authToken: 'the-token', fromNumber: '+15550100' });
    const asked: (MediaFetchOptions | undefined)[] = [];
    const fetch: MediaFetch = (_url, options) => {
      asked.push(options);
      return Promise.resolve({ data: (async function* () {})(), mimeType: 'image/jpeg' });
    };
    const { signal } = new AbortController();
    const path = `/2010-04-01/Accounts/${accountSid}/Messages/MM1/Media/ME1`;
    for (const host of ['api.twilio.com', 'api.sydney.au1.twilio.com']) {
      expect(provider.fetchMedia(`https://${host}${path}`, { fetch, signal, mimeType: 'image/jpeg' }), host).not.toBeNull();
      expect(asked.pop()).toEqual({
        signal,
        mimeType: 'image/jpeg',
        credentials: { hosts: [host], headers: { authorization: `Basic ${Buffer.from(`${accountSid}:the-token`).toString('base64')}` } },
      });
    }
    for (const url of [
      `https://api.twilio.com.evil.example${path}`,
      `https://evil.example/api.twilio.com${path}`,
      `https://api.twilio.com@evil.example${path}`,
      `https://api.twilio.com/2010-04-01/Accounts/AC${'2'.repeat(32)}/Messages/MM1/Media/ME1`,
      'https://mms.twiliocdn.com/x',
      'no address',
    ])
      expect(provider.fetchMedia(url, { fetch, signal }), url).toBeNull();
    expect(asked).toEqual([]);
  });
});

describe('bytes for a vendor that fetches files itself', () => {
  it.each(['twilio', 'telnyx'])('go as a link of the media store (%s)', async (vendor) => {
    verifies('PV-05');
    const bodies: string[] = [];
    const fetch: typeof globalThis.fetch = async (_url, init) => {
      bodies.push(decodeURIComponent(await new Response(init?.body).text()));
      return new Response('{"sid":"MM1","data":{"id":"m1"}}', { status: vendor === 'twilio' ? 201 : 200 });
    };
    const provider =
      vendor === 'twilio'
        ? new TwilioSMSProvider({ accountSid: `AC${'1'.repeat(32)}`, authToken: 'the-token', fromNumber: '+15550100', fetch })
        : new TelnyxSMSProvider({ apiKey: 'the-key', fromNumber: '+15550100', fetch });
    const { kit, store } = await world(new SMSChannel('sms', { provider }));
    await kit.createRoom({ roomId: 'room' });
    kit.registerChannel(new TestTransport('desk'));
    await kit.attachChannel('room', 'desk');
    await kit.attachChannel('room', 'sms', { metadata: { phone_number: '+15550001111' } });
    const url = `data:image/jpeg;base64,${Buffer.from(JPEG).toString('base64')}`;
    await kit.sendEvent('room', 'desk', { type: 'media', url, mimeType: 'image/jpeg' });
    expect(bodies).toHaveLength(1);
    expect(bodies[0]).toContain(`https://media.test/media/${store.ids[0] ?? ''}?expires=`);
    expect(await bytesOf(store, store.ids[0])).toEqual(JPEG);
  });
});
