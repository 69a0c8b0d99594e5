/** E-mail, in threads. */
import { presetOf, TransportChannel, type TextChannelOptions } from './text-channel.js';
import type { TransportProvider } from './transport.js';

/** A way to send e-mail (EM-07). */
export type EmailProvider = TransportProvider;

/** What a channel for e-mail is made with. */
export interface EmailChannelOptions extends TextChannelOptions {
  readonly provider?: EmailProvider | undefined;
  /** Who mail comes from. Default: the provider's. */
  readonly fromAddress?: string;
}

/** E-mail, in threads. Rooms keep the recipient under `email_address`. */
export class EmailChannel extends TransportChannel {
  constructor(channelId: string, options: EmailChannelOptions = {}) {
    super(
      channelId,
      presetOf(options, {
        channelType: 'email',
        recipientKey: 'email_address',
        defaults: { ...(options.fromAddress !== undefined && { from: options.fromAddress }), subject: null },
        capabilities: {
          mediaTypes: ['text', 'rich', 'media'],
          supportsThreading: true,
          supportsRichText: true,
          supportsMedia: true,
        },
      }),
    );
  }
}
