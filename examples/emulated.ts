/** A test of a whole conversation over emulated vendors: one customer, her phone, her mailbox and her chat. */
// #region program
import { Agent, EmailChannel, MockAIProvider, RoomKit, silentLogger, SMSChannel, TelegramChannel } from 'roomkit';
import { serve } from 'roomkit/server';
import { SMTPProvider } from 'roomkit/smtp';
import { TelegramBotProvider } from 'roomkit/telegram';
import { TwilioSMSProvider } from 'roomkit/twilio';
// #endregion
// #region test
import assert from 'node:assert/strict';
import { MailEmulator, TelegramEmulator, TwilioEmulator } from 'roomkit/emulators';

await using twilio = await TwilioEmulator.start();
await using telegram = await TelegramEmulator.start();
await using mail = await MailEmulator.start();
const [phone, chat, inbox] = [twilio.phone('+15550123'), telegram.chat('Ada'), mail.inbox('ada@example.org')];
// #endregion

// #region program
// The program that is tested: nothing in it knows that its vendors are emulated.
async function openShop() {
  const kit = new RoomKit({ logger: silentLogger });
  const { accountSid, authToken, url: baseUrl } = twilio;
  kit.registerChannel(new SMSChannel('sms', { provider: new TwilioSMSProvider({ accountSid, authToken, fromNumber: '+15550100', baseUrl }) }));
  const bot = new TelegramBotProvider({ botToken: telegram.botToken, baseUrl: telegram.url });
  kit.registerChannel(new TelegramChannel('telegram', { provider: bot }));
  kit.registerChannel(new EmailChannel('mail', { provider: new SMTPProvider({ ...mail.smtp, fromAddress: mail.address }) }));
  kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ responses: ['It is on its way.', 'We ring at nine.'] }) }));
  await kit.createRoom({ roomId: 'ada' });
  await kit.attachChannel('ada', 'sms', { metadata: { phone_number: phone.number } });
  await kit.attachChannel('ada', 'telegram', { metadata: { telegram_chat_id: String(chat.id) } });
  await kit.attachChannel('ada', 'mail', { metadata: { email_address: inbox.address } });
  await kit.attachChannel('ada', 'helper');
  const server = await serve(kit, { port: Number(process.env.PORT ?? 4170) });
  twilio.webhookUrl = `${server.url}/webhooks/sms`;
  await bot.registerWebhook(`${server.url}/webhooks/telegram`);
  return { kit, close: async () => (await server.close(), await kit.close()) };
}
// #endregion

// #region test
const shop = await openShop();
await phone.sendSms('Where is order 20817?');
await phone.waitForSms('on its way');
await inbox.waitForMail('on its way'); // one room: she reads it everywhere
const ring = { id: 'ring', label: 'Please ring', kind: 'reply' } as const;
await shop.kit.sendEvent('ada', 'helper', { type: 'rich', body: 'Shall we ring you?', buttons: [ring] });
await chat.waitFor('Shall we ring you?');
await chat.tap('Please ring');
assert.equal((await phone.waitForSms('We ring')).text, 'We ring at nine.');
await shop.close();
// #endregion

console.log(`on the phone: ${phone.messages.map(({ text }) => text.replaceAll('\n', ' ')).join(' | ')}`);

// prints:
// on the phone: It is on its way. | Shall we ring you? 1. Please ring | Please ring | We ring at nine.
