/** Text messages, and pictures as MMS. */
import { presetOf, TransportChannel, type TextChannelOptions } from './text-channel.js';
import { holdsMedia, type TransportProvider } from './transport.js';

/** A vendor of text messages. */
export type SMSProvider = TransportProvider;

/** What a channel for text messages is made with. */
export interface SMSChannelOptions extends TextChannelOptions {
  /** The vendor's client. Without one, deliveries are skipped (TRN-03). */
  readonly provider?: SMSProvider | undefined;
  /** Whose number messages come from. Default: the provider's. */
  readonly fromNumber?: string;
}

/** Text messages, and pictures as MMS. Rooms keep the recipient under `phone_number`. */
export class SMSChannel extends TransportChannel {
  constructor(channelId: string, options: SMSChannelOptions = {}) {
    super(
      channelId,
      presetOf(options, {
        channelType: 'sms',
        recipientKey: 'phone_number',
        sourceTypeOf: (content) => (holdsMedia(content) ? 'mms' : 'sms'),
        ...(options.fromNumber !== undefined && { defaults: { from: options.fromNumber } }),
        capabilities: {
          mediaTypes: ['text', 'media'],
          maxLength: 1600,
          overflow: 'split',
          supportsReadReceipts: true,
          supportsMedia: true,
        },
      }),
    );
  }
}
