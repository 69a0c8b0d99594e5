/** A person's own WhatsApp, linked like a second device. */
import { presetOf, textOf, TransportChannel, type TextChannelOptions } from './text-channel.js';
import type { TransportProvider } from './transport.js';

/** A linked device of a person's WhatsApp. */
export type WhatsAppPersonalTransport = TransportProvider;

/** What a channel for personal WhatsApp is made with. */
export interface WhatsAppPersonalChannelOptions extends TextChannelOptions {
  /** The vendor's client. Without one, deliveries are skipped (TRN-03). */
  readonly provider?: WhatsAppPersonalTransport | undefined;
}

/** A person's own WhatsApp, linked like a second device. Rooms keep the recipient under `phone_number`: a number, or the id of a group. */
export class WhatsAppPersonalChannel extends TransportChannel {
  constructor(channelId: string, options: WhatsAppPersonalChannelOptions = {}) {
    super(
      channelId,
      presetOf(options, {
        channelType: 'whatsapp_personal',
        recipientKey: 'phone_number',
        recipientOf: (message) => textOf(message.metadata?.['chat_id']) ?? message.senderId,
        capabilities: {
          mediaTypes: ['text', 'rich', 'media', 'audio', 'video', 'location'],
          maxLength: 4096,
          overflow: 'split',
          supportsReadReceipts: true,
          supportsReactions: true,
          supportsEdit: true,
          supportsDelete: true,
          supportsTyping: true,
          supportsMedia: true,
          supportsAudio: true,
          supportsVideo: true,
          supportedMediaTypes: ['image/jpeg', 'image/png', 'image/webp'],
          supportedAudioFormats: ['ogg', 'mp4'],
          supportedVideoFormats: ['mp4'],
        },
      }),
    );
  }
}
