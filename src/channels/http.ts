/** Any system that takes and makes HTTP calls. */
import { presetOf, TransportChannel, type TextChannelOptions } from './text-channel.js';
import type { TransportProvider } from './transport.js';

/** A way to call another system. */
export type HTTPProvider = TransportProvider;

/** What a channel over HTTP is made with. */
export interface HTTPChannelOptions extends TextChannelOptions {
  /** The client of the vendor. Without one, deliveries are skipped (TRN-03). */
  readonly provider?: HTTPProvider | undefined;
}

/** Any system that takes and makes HTTP calls. Rooms keep the recipient under `recipient_id`. */
export class HTTPChannel extends TransportChannel {
  constructor(channelId: string, options: HTTPChannelOptions = {}) {
    super(
      channelId,
      presetOf(options, {
        channelType: 'webhook',
        recipientKey: 'recipient_id',
        capabilities: {
          mediaTypes: ['text', 'rich'],
          supportsRichText: true,
        },
      }),
    );
  }
}
