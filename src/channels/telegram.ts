/** Telegram, by a bot. */
import { presetOf, textOf, TransportChannel, type TextChannelOptions } from './text-channel.js';
import type { TransportProvider } from './transport.js';

/** A bot of Telegram. */
export type TelegramProvider = TransportProvider;

/** What a channel for Telegram is made with. */
export interface TelegramChannelOptions extends TextChannelOptions {
  /** The client of the vendor. Without one, deliveries are skipped (TRN-03). */
  readonly provider?: TelegramProvider | undefined;
}

/** Telegram, by a bot. Rooms keep the recipient under `telegram_chat_id`. Writes 30 messages a second, as Telegram allows, unless told otherwise. */
export class TelegramChannel extends TransportChannel {
  constructor(channelId: string, options: TelegramChannelOptions = {}) {
    super(
      channelId,
      presetOf(options, {
        channelType: 'telegram',
        recipientKey: 'telegram_chat_id',
        recipientOf: (message) => textOf(message.metadata?.['chat_id']) ?? message.senderId,
        capabilities: {
          mediaTypes: ['text', 'rich', 'media', 'audio', 'video', 'location'],
          maxLength: 4096,
          overflow: 'split',
          supportsEdit: true,
          supportsDelete: true,
          supportsReactions: true,
          supportsTyping: true,
          supportsRichText: true,
          supportsButtons: true,
          supportsQuickReplies: true,
          supportsMedia: true,
          supportsAudio: true,
          supportsVideo: true,
          // Suggested answers stand in place of the letters, where a tap writes their label.
          custom: { types_choices: true },
        },
        rateLimit: { maxPerSecond: 30 },
      }),
    );
  }
}
