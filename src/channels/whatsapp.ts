/** WhatsApp for businesses. */
import { presetOf, TransportChannel, type TextChannelOptions } from './text-channel.js';
import type { TransportProvider } from './transport.js';

/** A way to WhatsApp for businesses. */
export type WhatsAppProvider = TransportProvider;

/** What a channel for WhatsApp is made with. */
export interface WhatsAppChannelOptions extends TextChannelOptions {
  /** The vendor's client. Without one, deliveries are skipped (TRN-03). */
  readonly provider?: WhatsAppProvider | undefined;
}

/** WhatsApp for businesses. Rooms keep the recipient under `phone_number`. */
export class WhatsAppChannel extends TransportChannel {
  constructor(channelId: string, options: WhatsAppChannelOptions = {}) {
    super(
      channelId,
      presetOf(options, {
        channelType: 'whatsapp',
        recipientKey: 'phone_number',
        capabilities: {
          mediaTypes: ['text', 'rich', 'media', 'location', 'template'],
          maxLength: 4096,
          overflow: 'split',
          supportsReadReceipts: true,
          supportsReactions: true,
          supportsTyping: true,
          supportsTemplates: true,
          supportsRichText: true,
          supportsButtons: true,
          maxButtons: 10,
          supportsQuickReplies: true,
          supportsCards: true,
          supportsMedia: true,
        },
      }),
    );
  }
}
