/** The channels over which the customer writes beside the page, each to a vendor that runs on loopback, all of them one person. */
import { EmailChannel, SMSChannel, TelegramChannel, type ConversationStore, type IdentityResolver, type RoomKit } from 'roomkit';
import { IMAPSource, SMTPProvider } from 'roomkit/smtp';
import { TelegramBotProvider } from 'roomkit/telegram';
import { TwilioSMSProvider } from 'roomkit/twilio';
import { CUSTOMER, ROOM_ID } from './cast.js';
import type { LinesByChannel } from './lines.js';

/** Kinds of channels whose senders are looked up. */
export const LOOKED_UP = ['sms', 'email', 'telegram'] as const;

export async function registerLines(kit: RoomKit, { sms, mail, telegram }: LinesByChannel): Promise<void> {
  kit.registerChannel(new SMSChannel('sms', { provider: new TwilioSMSProvider(sms.provider.options) }));
  kit.registerChannel(new TelegramChannel('telegram', { provider: new TelegramBotProvider(telegram.provider.options) }));
  kit.registerChannel(new EmailChannel('mail', { provider: new SMTPProvider(mail.provider.options) }));
  await kit.attachSource('mail', new IMAPSource({ ...mail.source?.options, channelId: 'mail' }));
}

/** Each of them reaches the customer from this room. */
export async function attachLines(kit: RoomKit, { sms, mail, telegram }: LinesByChannel): Promise<void> {
  const addresses = {
    sms: { phone_number: sms.device.address },
    telegram: { telegram_chat_id: telegram.device.address },
    mail: { email_address: mail.device.address },
  };
  const attached = new Map((await kit.listBindings(ROOM_ID)).map((binding) => [binding.channelId, binding.metadata]));
  for (const [channelId, metadata] of Object.entries(addresses)) {
    if (!attached.has(channelId)) await kit.attachChannel(ROOM_ID, channelId, { metadata: { ...metadata, subject: 'Your help desk' } });
  }
}

/** Who writes from an address that is known as hers is her. */
export async function rememberCustomer(store: ConversationStore, { sms, mail, telegram }: LinesByChannel): Promise<void> {
  const { participantId: id, displayName } = CUSTOMER;
  if ((await store.getIdentity(id)) !== null) return;
  await store.createIdentity({
    id,
    displayName,
    channelAddresses: { sms: [sms.device.address], email: [mail.device.address], telegram: [telegram.device.address] },
  });
}

/** The same person on every line. */
export function byAddress(store: ConversationStore): IdentityResolver {
  return {
    resolve: async ({ senderId, channelId }) => {
      const channelType = channelId === 'mail' ? 'email' : channelId === 'telegram' ? 'telegram' : 'sms';
      const identity = await store.resolveIdentity({ channelType, address: senderId });
      return identity === null ? { status: 'unknown' } : { status: 'identified', identity };
    },
  };
}
