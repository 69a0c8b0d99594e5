/** E-mail, in threads. */
import { presetOf, TransportChannel, type TextChannelOptions } from './text-channel.js';
import type { TransportProvider } from './transport.js';

/** A way to send e-mail (EM-07). */
export type EmailProvider = TransportProvider;

/** What a channel for e-mail is made with. */
export interface EmailChannelOptions extends TextChannelOptions {
  /** The vendor's client. Without one, deliveries are skipped (TRN-03). */
  readonly provider?: EmailProvider | undefined;
  /** Who mail comes from. Default: the provider's. */
  readonly fromAddress?: string;
  /** What a mail is about that answers none. Default: the binding's `subject`, else the provider's. */
  readonly subject?: string;
  /** Every new thread opens a room of its own, as at a help desk. Default: threads of one sender are lines of one conversation (RTR-05). */
  readonly roomPerThread?: boolean;
}

/** E-mail, in threads. Rooms keep the recipient under `email_address`. */
export class EmailChannel extends TransportChannel {
  constructor(channelId: string, options: EmailChannelOptions = {}) {
    super(
      channelId,
      presetOf(options, {
        channelType: 'email',
        recipientKey: 'email_address',
        defaults: { ...(options.fromAddress !== undefined && { from: options.fromAddress }), subject: options.subject ?? null },
        ...(options.roomPerThread !== undefined && { roomPerThread: options.roomPerThread }),
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
