/** One person on four channels, from end to end: true webhooks and signatures, SMTP and IMAP, and a phone that two people share. */
import { createTransport } from 'nodemailer';
import { describe, expect, it } from 'vitest';
import {
  CodeChallenge,
  EmailChannel,
  extractText,
  InMemoryStore,
  RoomKit,
  silentLogger,
  SMSChannel,
  TelegramChannel,
  WebSocketChannel,
  type ChannelType,
  type Identity,
} from '../../src/index.js';
import { MailEmulator, TelegramEmulator, TwilioEmulator, type MailInbox } from '../../src/emulators/index.js';
import { IMAPSource, SMTPProvider } from '../../src/providers/smtp/index.js';
import { TelegramBotProvider } from '../../src/providers/telegram/index.js';
import { TwilioSMSProvider } from '../../src/providers/twilio/index.js';
import { serve } from '../../src/server/node.js';
import { verifies } from '../requirements.js';

const TYPES: Readonly<Record<string, ChannelType>> = { sms: 'sms', mail: 'email', telegram: 'telegram' };
const FAMILY = '+15550177';

describe('one person on four channels', () => {
  it('is one participant, whatever she writes from', { timeout: 30_000 }, async () => {
    verifies('IDN-04', 'IDN-09');
    await using shop = await Shop.open();
    await shop.phone.sendSms('by text');
    await shop.chat.write('by Telegram');
    await shop.ada.write({ subject: 'Hello', text: 'by mail' });
    await shop.said('by mail');
    await shop.kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'on the page' }, { roomId: 'ada' });
    expect((await shop.tell('ada')).sort()).toEqual(['ada: by Telegram', 'ada: by mail', 'ada: by text', 'ada: on the page']);
    const people = await shop.kit.listParticipants('ada');
    expect(people.map(({ id, identityId }) => [id, identityId])).toEqual([['ada', 'ada']]);
    expect([people[0]?.channelId, ...(people[0]?.connectedVia ?? [])].sort()).toEqual(['mail', 'sms', 'telegram']);
  });

  it('is told apart from who shares her phone by the code that comes back', { timeout: 30_000 }, async () => {
    verifies('IDN-11', 'IDN-15');
    await using shop = await Shop.open();
    await shop.family.sendSms('Is the shop open on Sunday?');
    await shop.family.waitForSms('We have sent you a code');
    const [adas, leos] = [await codeIn(shop.ada), await codeIn(shop.leo)];
    expect(adas).not.toBe(leos);
    await shop.family.sendSms(['111111', '222222', '333333'].find((code) => code !== adas && code !== leos) ?? '');
    await shop.family.waitForSms('That is not the code');
    await shop.family.sendSms(leos);
    const roomId = await shop.said('on Sunday');
    await shop.family.sendSms('I need new shoes');
    expect(await shop.tell(roomId)).toEqual(['leo: Is the shop open on Sunday?', 'leo: I need new shoes']);
    // Her room, her phone and their timelines know nothing of it.
    expect(await shop.tell('ada')).toEqual([]);
    expect(shop.phone.messages).toEqual([]);
    const everything = JSON.stringify([await shop.kit.getTimeline('ada'), await shop.kit.getTimeline(roomId)]);
    for (const code of [adas, leos]) expect(everything).not.toContain(code);
  });

  it(
    'is merged with her old account and parted from it: what was said stays, and what comes is whose the address is',
    { timeout: 30_000 },
    async () => {
      verifies('IDN-13');
      await using shop = await Shop.open();
      const work = shop.mail.inbox('a.park@work.example');
      const write = async (text: string): Promise<string> => {
        await work.write({ subject: 'From work', text });
        return shop.said(text);
      };
      const roomId = await write('before');
      const before = await shop.identities();
      await shop.kit.mergeIdentities('ada', 'old', { by: 'sam', reason: 'same person' });
      expect(await shop.kit.listMerges('ada')).toMatchObject([
        { fromId: 'old', by: 'sam', reason: 'same person', movedAddresses: { email: [work.address] } },
      ]);
      await write('while one');
      await shop.kit.unmergeIdentity('old');
      await write('after');
      expect(await shop.identities()).toEqual(before);
      expect(await shop.kit.listMerges('ada')).toEqual([]);
      // Who was known here before is the same participant throughout, and was read as her while they were one.
      expect(await shop.tell(roomId)).toEqual(['old: before', 'old: while one', 'old: after']);
    },
  );
});

async function codeIn(inbox: MailInbox): Promise<string> {
  return /\d{6}/.exec((await inbox.waitForMail('Your code')).text)?.[0] ?? '';
}

class Shop {
  static async open(): Promise<Shop> {
    const [twilio, telegram, mail] = await Promise.all([TwilioEmulator.start(), TelegramEmulator.start(), MailEmulator.start()]);
    const chat = telegram.chat('Ada');
    const store = new InMemoryStore();
    const people: readonly Identity[] = [
      { id: 'ada', displayName: 'Ada Park', channelAddresses: { sms: ['+15550123'], email: ['ada@example.org'], telegram: [String(chat.id)] } },
      { id: 'leo', displayName: 'Leo Park', channelAddresses: { email: ['leo@example.org'] } },
      { id: 'old', displayName: 'A. Park', channelAddresses: { email: ['a.park@work.example'] } },
    ];
    for (const person of people) store.createIdentity(person);
    const { host, port, user, password } = mail.smtp;
    const post = createTransport({ host, port, ignoreTLS: true, auth: { user, pass: password } });
    const identityResolver = new CodeChallenge({
      store,
      resolver: {
        resolve: ({ channelId, senderId }) => {
          if (senderId === FAMILY) return { status: 'ambiguous', candidates: ['ada', 'leo'].flatMap((id) => store.getIdentity(id) ?? []) };
          const identity = store.resolveIdentity({ channelType: TYPES[channelId] ?? 'sms', address: senderId });
          return identity === null ? { status: 'unknown' } : { status: 'identified', identity };
        },
      },
      sendCode: async ({ identity, code }) => {
        await post.sendMail({
          from: mail.address,
          to: identity.channelAddresses?.email?.[0] ?? '',
          subject: 'Your code',
          text: `${code} is your code.`,
        });
        return true;
      },
    });
    const kit = new RoomKit({ store, identityResolver, identityChannelTypes: ['sms', 'email', 'telegram'], logger: silentLogger });
    const { accountSid, authToken } = twilio;
    kit.registerChannel(
      new SMSChannel('sms', { provider: new TwilioSMSProvider({ accountSid, authToken, fromNumber: '+15550100', baseUrl: twilio.url }) }),
    );
    const bot = new TelegramBotProvider({ botToken: telegram.botToken, baseUrl: telegram.url });
    kit.registerChannel(new TelegramChannel('telegram', { provider: bot }));
    kit.registerChannel(new EmailChannel('mail', { provider: new SMTPProvider({ ...mail.smtp, fromAddress: mail.address }) }));
    kit.registerChannel(new WebSocketChannel('web'));
    await kit.createRoom({ roomId: 'ada' });
    await kit.attachChannel('ada', 'web');
    await kit.attachChannel('ada', 'sms', { metadata: { phone_number: '+15550123' } });
    await kit.attachChannel('ada', 'mail', { metadata: { email_address: 'ada@example.org' } });
    await kit.attachChannel('ada', 'telegram', { metadata: { telegram_chat_id: String(chat.id) } });
    const server = await serve(kit, { port: 0 });
    twilio.webhookUrl = `${server.url}/webhooks/sms`;
    await bot.registerWebhook(`${server.url}/webhooks/telegram`);
    await kit.attachSource('mail', new IMAPSource({ ...mail.imap, channelId: 'mail', since: '2026-01-01' }));
    return new Shop(kit, twilio, telegram, mail, async () => {
      post.close();
      await server.close();
      await kit.close();
    });
  }

  readonly phone;
  readonly family;
  readonly chat;
  readonly ada;
  readonly leo;
  readonly #heard: { readonly words: string; readonly roomId: string }[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(
    readonly kit: RoomKit,
    readonly twilio: TwilioEmulator,
    readonly telegram: TelegramEmulator,
    readonly mail: MailEmulator,
    private readonly end: () => Promise<void>,
  ) {
    this.phone = twilio.phone('+15550123');
    this.family = twilio.phone(FAMILY);
    this.chat = telegram.chat('Ada');
    this.ada = mail.inbox('ada@example.org');
    this.leo = mail.inbox('leo@example.org');
    kit.hook('after_broadcast', { name: 'heard' }, (event) => {
      this.#heard.push({ words: extractText(event), roomId: event.roomId });
      for (const look of [...this.#waiting]) look();
    });
  }

  /** Resolves with the room in which this was said. */
  said(words: string): Promise<string> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.#heard.find((one) => one.words.includes(words));
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found.roomId);
      };
      this.#waiting.add(look);
      look();
    });
  }

  async tell(roomId: string): Promise<string[]> {
    return (await this.kit.getTimeline(roomId))
      .filter(({ type, source }) => type === 'message' && source.channelType !== 'system')
      .map((event) => `${event.source.participantId}: ${extractText(event)}`);
  }

  async identities(): Promise<unknown> {
    return Promise.all(['ada', 'old'].map((id) => this.kit.getIdentity(id)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await Promise.all([this.twilio.close(), this.telegram.close(), this.mail.close()]);
  }
}
