/** Facebook Messenger. */
import { presetOf, TransportChannel, type TextChannelOptions } from './text-channel.js';
import type { TransportProvider } from './transport.js';

/** A way to Messenger. */
export type MessengerProvider = TransportProvider;

/** What a channel for Messenger is made with. */
export interface MessengerChannelOptions extends TextChannelOptions {
  /** The vendor's client. Without one, deliveries are skipped (TRN-03). */
  readonly provider?: MessengerProvider | undefined;
}

/** Facebook Messenger. Rooms keep the recipient under `facebook_user_id`. */
export class MessengerChannel extends TransportChannel {
  constructor(channelId: string, options: MessengerChannelOptions = {}) {
    super(
      channelId,
      presetOf(options, {
        channelType: 'messenger',
        recipientKey: 'facebook_user_id',
        capabilities: {
          mediaTypes: ['text', 'rich', 'media', 'template'],
          maxLength: 2000,
          overflow: 'split',
          supportsReadReceipts: true,
          supportsReactions: true,
          supportsTyping: true,
          supportsTemplates: true,
          supportsButtons: true,
          maxButtons: 3,
          supportsQuickReplies: true,
          supportsCards: true,
          supportsMedia: true,
        },
      }),
    );
  }
}
