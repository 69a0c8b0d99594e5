/** Rich text messages: cards, carousels and suggested actions, with SMS where a phone has no RCS. */
import { presetOf, TransportChannel, type TextChannelOptions } from './text-channel.js';
import type { TransportProvider } from './transport.js';

/** A vendor of RCS messages. */
export type RCSProvider = TransportProvider;

/** What a channel for RCS is made with. */
export interface RCSChannelOptions extends TextChannelOptions {
  /** The vendor's client. Without one, deliveries are skipped (TRN-03). */
  readonly provider?: RCSProvider | undefined;
  /** Send as SMS where the phone has no RCS. Default true. */
  readonly fallback?: boolean;
}

/** Rich text messages: cards, carousels and suggested actions, with SMS where a phone has no RCS. Rooms keep the recipient under `phone_number`. */
export class RCSChannel extends TransportChannel {
  constructor(channelId: string, options: RCSChannelOptions = {}) {
    super(
      channelId,
      presetOf(options, {
        channelType: 'rcs',
        recipientKey: 'phone_number',
        defaults: { fallback: options.fallback ?? true },
        capabilities: {
          mediaTypes: ['text', 'rich', 'media'],
          maxLength: 8000,
          overflow: 'split',
          supportsReadReceipts: true,
          supportsTyping: true,
          supportsRichText: true,
          supportsButtons: true,
          supportsQuickReplies: true,
          supportsCards: true,
          supportsMedia: true,
        },
      }),
    );
  }
}
