/** The channels over which the customer writes beside the page, each to a vendor that runs on loopback. */
import { EmailChannel, SMSChannel, TelegramChannel, type Metadata, type RoomKit } from 'roomkit';
import { IMAPSource, SMTPProvider } from 'roomkit/smtp';
import { TelegramBotProvider } from 'roomkit/telegram';
import { TwilioSMSProvider } from 'roomkit/twilio';
import { ADDRESSES, FAMILY_ROOM_ID, ROOM_ID } from './cast.js';
import type { LinesByChannel } from './lines.js';

/** `readsMail`: of several processes one reads the mailbox. */
export async function registerLines(kit: RoomKit, { sms, mail, telegram }: LinesByChannel, readsMail: boolean): Promise<void> {
  kit.registerChannel(new SMSChannel('sms', { provider: new TwilioSMSProvider(sms.provider.options) }));
  kit.registerChannel(new TelegramChannel('telegram', { provider: new TelegramBotProvider(telegram.provider.options) }));
  kit.registerChannel(new EmailChannel('mail', { provider: new SMTPProvider(mail.provider.options) }));
  if (readsMail) await kit.attachSource('mail', new IMAPSource({ ...mail.source?.options, channelId: 'mail' }));
}

/** Each of them reaches the customer from her room, and the phone at home from its own. */
export async function attachLines(kit: RoomKit, { sms, mail, telegram }: LinesByChannel): Promise<void> {
  await attach(kit, ROOM_ID, {
    sms: { phone_number: sms.device.address },
    telegram: { telegram_chat_id: telegram.device.address },
    mail: { email_address: mail.device.address },
  });
  await attach(kit, FAMILY_ROOM_ID, { sms: { phone_number: ADDRESSES.familyPhone } });
}

async function attach(kit: RoomKit, roomId: string, addresses: Readonly<Record<string, Metadata>>): Promise<void> {
  const attached = new Set((await kit.listBindings(roomId)).map(({ channelId }) => channelId));
  for (const [channelId, metadata] of Object.entries(addresses)) {
    if (!attached.has(channelId)) await kit.attachChannel(roomId, channelId, { metadata: { ...metadata, subject: 'Your help desk' } });
  }
}
