/** One person on four channels: known by phone, mail and Telegram, asked by a code on a shared phone, merged with herself and parted. */
// #region people
import { CodeChallenge, EmailChannel, InMemoryStore, RoomKit, SMSChannel, TelegramChannel, WebSocketChannel } from 'roomkit';
import type { ConversationStore, IdentityResolver } from 'roomkit';
import { createTransport } from 'nodemailer';

// #endregion
import { extractText, silentLogger } from 'roomkit';
import { MailEmulator, TelegramEmulator, TwilioEmulator } from 'roomkit/emulators';
import { serve } from 'roomkit/server';
import { IMAPSource, SMTPProvider } from 'roomkit/smtp';
import { TelegramBotProvider } from 'roomkit/telegram';
import { TwilioSMSProvider } from 'roomkit/twilio';

// In the vendors' places.
await using twilio = await TwilioEmulator.start();
await using telegram = await TelegramEmulator.start();
await using mail = await MailEmulator.start();
const [phone, chat, inbox] = [twilio.phone('+15550123'), telegram.chat('Ada'), mail.inbox('ada@example.org')];
const [familyPhone, leosInbox] = [twilio.phone('+15550177'), mail.inbox('leo@example.org')];

// #region people
const store: ConversationStore = new InMemoryStore();
await store.createIdentity({
  id: 'ada',
  displayName: 'Ada Park',
  channelAddresses: { sms: ['+15550123'], email: ['ada@example.org'], telegram: [String(chat.id)] },
});
await store.createIdentity({ id: 'leo', displayName: 'Leo Park', channelAddresses: { email: ['leo@example.org'] } });

const types = { sms: 'sms', mail: 'email', telegram: 'telegram' } as const;
const byAddress: IdentityResolver = {
  resolve: async ({ channelId, senderId }) => {
    if (senderId === '+15550177') {
      const family = await Promise.all(['ada', 'leo'].map(async (id) => store.getIdentity(id)));
      return { status: 'ambiguous', candidates: family.filter((one) => one !== null) };
    }
    const identity = await store.resolveIdentity({ channelType: types[channelId as keyof typeof types], address: senderId });
    return identity === null ? { status: 'unknown' } : { status: 'identified', identity };
  },
};
// #endregion

// #region challenge
const post = createTransport({
  host: mail.smtp.host,
  port: mail.smtp.port,
  ignoreTLS: true,
  auth: { user: mail.smtp.user, pass: mail.smtp.password },
});

const identityResolver = new CodeChallenge({
  store,
  resolver: byAddress,
  sendCode: async ({ identity, code }) => {
    const [to] = identity.channelAddresses?.email ?? [];
    if (to === undefined) return false; // no way to this person
    await post.sendMail({ from: mail.address, to, subject: 'Your code', text: `${code} is your code.` });
    return true;
  },
});
const kit = new RoomKit({ store, identityResolver, identityChannelTypes: ['sms', 'email', 'telegram'], logger: silentLogger });
// #endregion

// #region channels
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
// #endregion

const waiting: { readonly words: string; readonly told: (roomId: string) => void }[] = [];
const heard: { readonly words: string; readonly roomId: string }[] = [];
kit.hook('after_broadcast', { name: 'heard' }, (event) => {
  const said = { words: extractText(event), roomId: event.roomId };
  heard.push(said);
  for (const { words, told } of waiting) if (said.words.includes(words)) told(said.roomId);
});
/** Resolves to the room in which this was said. */
const saidIn = (words: string): Promise<string> => {
  const earlier = heard.find((said) => said.words.includes(words));
  return earlier === undefined ? new Promise((told) => waiting.push({ words, told })) : Promise.resolve(earlier.roomId);
};
const tell = async (roomId: string): Promise<string> =>
  (await kit.getTimeline(roomId))
    .filter(({ type, source }) => type === 'message' && source.channelType !== 'system')
    .map((event) => `${event.source.participantId} (${event.source.channelId}): ${extractText(event)}`)
    .join(' | ');

const server = await serve(kit, { port: Number(process.env.PORT ?? 4170) });
twilio.webhookUrl = `${server.url}/webhooks/sms`;
await bot.registerWebhook(`${server.url}/webhooks/telegram`);
await kit.attachSource('mail', new IMAPSource({ ...mail.imap, channelId: 'mail', since: '2026-11-01' }));

// #region four
await phone.sendSms('Hello, Ada here');
await chat.write('on Telegram, too');
await inbox.write({ subject: 'And by mail', text: 'and by mail' });
await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'and on your page' }, { roomId: 'ada' });
// #endregion
await saidIn('and by mail');
console.log(`her room: ${(await tell('ada')).split(' | ').sort().join(' | ')}`);
console.log(
  `people: ${(await kit.listParticipants('ada')).map(({ displayName, connectedVia }) => `${displayName}, also via ${connectedVia.length} more`).join()}`,
);

// #region shared
await familyPhone.sendSms('Is the shop open on Sunday?'); // whose question is it? Both get a code; the message waits
const { text } = await leosInbox.waitForMail('Your code');
await familyPhone.sendSms(text.slice(0, 6)); // Leo's came back: it is his
await familyPhone.sendSms('I need new shoes'); // and so is this, for half an hour
// #endregion
const home = await saidIn('new shoes');
console.log(`the phone at home was told: ${familyPhone.messages.map((message) => message.text).join(' | ')}`);
console.log(`its room: ${await tell(home)}`);

// #region merge
await store.createIdentity({ id: 'shop-4711', displayName: 'A. Park', channelAddresses: { email: ['a.park@work.example'] } });
await kit.mergeIdentities('ada', 'shop-4711', { by: 'sam', reason: 'same person' }); // in Studio: Merge with…
await mail.inbox('a.park@work.example').write('from work, while one');
// #endregion
const work = await saidIn('while one');
const [merge] = await kit.listMerges('ada');
console.log(`merged by ${merge?.by}: ${JSON.stringify((await kit.getIdentity('shop-4711'))?.channelAddresses?.email)}`);

// #region unmerge
await kit.unmergeIdentity('shop-4711'); // it was somebody else after all
await mail.inbox('a.park@work.example').write('from work, and somebody else');
// #endregion
await saidIn('somebody else');
console.log(`parted: ${JSON.stringify((await kit.getIdentity('shop-4711'))?.channelAddresses?.email)}`);
console.log(`what was said stays: ${await tell(work)}`);
post.close();
await server.close();
await kit.close();

// prints:
// her room: ada (mail): and by mail | ada (sms): Hello, Ada here | ada (telegram): on Telegram, too | ada (web): and on your page
// people: Ada Park, also via 2 more
// the phone at home was told: Several people write from here. We have sent you a code: please answer with it.
// its room: leo (sms): Is the shop open on Sunday? | leo (sms): I need new shoes
// merged by sam: ["ada@example.org","a.park@work.example"]
// parted: ["a.park@work.example"]
// what was said stays: ada (mail): from work, while one | shop-4711 (mail): from work, and somebody else
