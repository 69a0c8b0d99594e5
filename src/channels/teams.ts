/** Microsoft Teams, by a bot. */
import { presetOf, textOf, TransportChannel, type TextChannelOptions } from './text-channel.js';
import type { TransportProvider } from './transport.js';

/** A bot of Teams. */
export type TeamsProvider = TransportProvider;

/** What a channel for Teams is made with. */
export interface TeamsChannelOptions extends TextChannelOptions {
  /** The vendor's client. Without one, deliveries are skipped (TRN-03). */
  readonly provider?: TeamsProvider | undefined;
}

/** Microsoft Teams, by a bot. Rooms keep the recipient under `teams_conversation_id`. */
export class TeamsChannel extends TransportChannel {
  constructor(channelId: string, options: TeamsChannelOptions = {}) {
    super(
      channelId,
      presetOf(options, {
        channelType: 'teams',
        recipientKey: 'teams_conversation_id',
        recipientOf: (message) => textOf(message.metadata?.['conversation_id']) ?? message.senderId,
        capabilities: {
          mediaTypes: ['text', 'rich', 'media'],
          maxLength: 28000,
          overflow: 'split',
          supportsThreading: true,
          supportsReactions: true,
          supportsTyping: true,
          supportsEdit: true,
          supportsDelete: true,
          supportsRichText: true,
          supportsButtons: true,
          supportsCards: true,
          supportsQuickReplies: true,
          supportsMedia: true,
        },
      }),
    );
  }
}
