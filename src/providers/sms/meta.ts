/** One call of a vendor of text messages, alike for all of them (providers §3.1). */
import { inboundContent, type InboundMedia } from '../../channels/inbound-content.js';
import { ValidationError } from '../../core/errors.js';
import type { DeliveryStatus, InboundMessage } from '../../core/models/delivery.js';
import type { Metadata } from '../../core/models/json.js';

/** Whose calls can be read. */
export type SmsVendor = 'twilio' | 'telnyx' | 'sinch' | 'voicemeup';

/** What stands in a call. */
export interface SmsFields {
  readonly provider: SmsVendor;
  /** Empty where the call names none. */
  readonly sender: string;
  /** Empty where the call names none. */
  readonly recipient: string;
  readonly body: string;
  readonly media: readonly InboundMedia[];
  /** The vendor's id of the message. */
  readonly externalId?: string;
  /** ISO-8601; absent for a date that is none. */
  readonly timestamp?: string;
  readonly direction?: 'inbound' | 'outbound';
  /** The vendor's word for what happened. */
  readonly eventType?: string;
  /** Whether {@link SmsFields.eventType} is one of a message that came in; absent where it does not say. */
  readonly isMessageEvent?: boolean;
  /** What became of a message that was sent. */
  readonly status?: DeliveryStatus['status'];
  readonly errorCode?: string;
  /** The key the message was sent with, where the vendor says it again. */
  readonly idempotencyKey?: string;
  readonly raw: Metadata;
}

/** What {@link extractSmsMeta} finds. */
export class SmsMeta {
  constructor(private readonly fields: SmsFields) {}

  /** Whose call it is. */
  get provider(): SmsVendor {
    return this.fields.provider;
  }

  /** Who wrote, or from whose number a message went; empty where the call names nobody. */
  get sender(): string {
    return this.fields.sender;
  }

  /** To whom; empty where the call names nobody. */
  get recipient(): string {
    return this.fields.recipient;
  }

  /** The words; empty where there are none. */
  get body(): string {
    return this.fields.body;
  }

  /** The addresses of its files, in order. */
  get mediaUrls(): readonly string[] {
    return this.fields.media.flatMap(({ url }) => (url === undefined ? [] : [url]));
  }

  /** The vendor's id of the message. */
  get externalId(): string | undefined {
    return this.fields.externalId;
  }

  /** ISO-8601; undefined where the call names no time that is one. */
  get timestamp(): string | undefined {
    return this.fields.timestamp;
  }

  /** Where the vendor says it. */
  get direction(): 'inbound' | 'outbound' | undefined {
    return this.fields.direction;
  }

  /** The vendor's word for what happened. */
  get eventType(): string | undefined {
    return this.fields.eventType;
  }

  /** What became of a message that was sent; undefined for everything else. */
  get status(): DeliveryStatus['status'] | undefined {
    return this.fields.status;
  }

  /** The call as it was given. */
  get raw(): Metadata {
    return this.fields.raw;
  }

  /** It says what became of a message that was sent. */
  get isStatus(): boolean {
    return this.fields.status !== undefined;
  }

  /** Somebody wrote. The direction decides, else the vendor's word, else whether there is a sender and something said. */
  get isInbound(): boolean {
    const { status, direction, isMessageEvent, sender, body, media } = this.fields;
    if (status !== undefined) return false;
    if (direction !== undefined) return direction === 'inbound';
    return isMessageEvent ?? (sender !== '' && (body !== '' || media.length > 0));
  }

  /** For `kit.processInbound`. Throws ValidationError when nobody wrote, or the call does not say who. */
  toInbound(channelId: string): InboundMessage {
    const { provider, sender, body, media, externalId, recipient, raw } = this.fields;
    if (!this.isInbound || sender === '')
      throw new ValidationError(
        `This call of ${provider} is no message of somebody's. Ask isInbound first, and isStatus for what became of a message.`,
      );
    return {
      channelId,
      senderId: sender,
      content: inboundContent({ body, media }),
      rawPayload: raw,
      ...(externalId !== undefined && { externalId, providerMessageId: externalId, idempotencyKey: externalId }),
      ...(recipient !== '' && { metadata: { to: recipient } }),
    };
  }

  /** For `kit.processDeliveryStatus`. Throws ValidationError when it is none, or does not say of which message. */
  toStatus(): DeliveryStatus {
    const { provider, status, externalId, recipient, sender, errorCode, idempotencyKey, timestamp, raw } = this.fields;
    if (status === undefined || externalId === undefined)
      throw new ValidationError(`This call of ${provider} does not say what became of a message. Ask isStatus first.`);
    return {
      provider,
      messageId: externalId,
      status,
      ...(recipient !== '' && { recipient }),
      ...(sender !== '' && { sender }),
      ...(errorCode !== undefined && { errorCode }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(timestamp !== undefined && { timestamp }),
      raw,
    };
  }
}
