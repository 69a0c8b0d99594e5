/**
 * A channel to an external system through a vendor's client (behaviour §6.1). SMS, e-mail and the rest are presets of it:
 * a type, a recipient key, capabilities and a provider.
 */
import {
  channelCapabilities,
  DeliveryError,
  type Channel,
  type ChannelBinding,
  type ChannelCapabilities,
  type ChannelDirection,
  type ChannelType,
  type DeliverOptions,
  type DeliverReceipt,
  type EventContent,
  type EventDraft,
  type InboundMessage,
  type Metadata,
  type ProviderResult,
  type RoomContext,
  type RoomEvent,
  toContent,
} from '../core/index.js';

/** One message for a vendor. */
export interface TransportRequest {
  readonly to: string;
  readonly content: EventContent;
  readonly event: RoomEvent;
  readonly binding: ChannelBinding;
  /** The channel's `defaults`, with null values filled from binding metadata (TRN-04). */
  readonly options: Metadata;
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

/** A vendor's client as a transport needs it. */
export interface TransportProvider {
  readonly name: string;
  /** `success: false` is a failed delivery (TRN-05); a throw is one too. */
  send(request: TransportRequest): ProviderResult | Promise<ProviderResult>;
  readonly supportsIdempotencyKey?: boolean;
  /** What became of an earlier send with this key; null when the vendor does not know (OUT-09). */
  lookup?(idempotencyKey: string, signal: AbortSignal): Promise<ProviderResult | null>;
  close?(): void | Promise<void>;
}

export interface TransportChannelOptions {
  readonly channelType: ChannelType;
  /** Without one, deliveries are skipped. */
  readonly provider?: TransportProvider;
  /** The key of binding metadata that holds the recipient's address. */
  readonly recipientKey?: string;
  /** A non-null value is passed to the provider as it is; null is taken from binding metadata of the same key. */
  readonly defaults?: Metadata;
  readonly capabilities?: Partial<ChannelCapabilities>;
  /** Default `bidirectional`. */
  readonly direction?: ChannelDirection;
  /** Default true: rows in the outbox. */
  readonly durable?: boolean;
  /** Whether close() closes the provider; default true. */
  readonly ownsProvider?: boolean;
  /** Where an answer to a message goes, when that is not its sender. */
  readonly recipientOf?: (message: InboundMessage) => string;
  /** The type stamped on a message of this content, when it is another than the channel's (an MMS over an SMS channel). */
  readonly typeOf?: (content: EventContent) => ChannelType | undefined;
}

export class TransportChannel implements Channel {
  readonly category = 'transport';
  readonly channelType: ChannelType;
  readonly direction: ChannelDirection;
  readonly capabilities: ChannelCapabilities;
  readonly durable: boolean;
  readonly recipientKey?: string;
  readonly providerName?: string;
  readonly supportsIdempotencyKey: boolean;
  readonly lookupDelivery?: (idempotencyKey: string, signal: AbortSignal) => Promise<DeliverReceipt | null>;

  constructor(
    readonly channelId: string,
    private readonly options: TransportChannelOptions,
  ) {
    const { provider } = options;
    this.channelType = options.channelType;
    this.direction = options.direction ?? 'bidirectional';
    this.capabilities = channelCapabilities(options.capabilities);
    this.durable = options.durable ?? true;
    if (options.recipientKey !== undefined) this.recipientKey = options.recipientKey;
    if (provider !== undefined) this.providerName = provider.name;
    this.supportsIdempotencyKey = provider?.supportsIdempotencyKey ?? false;
    const lookup = provider?.lookup?.bind(provider);
    if (lookup !== undefined) {
      this.lookupDelivery = async (key, signal) => {
        const result = await lookup(key, signal);
        return result === null ? null : receiptOf(result);
      };
    }
  }

  recipientOf(message: InboundMessage): string {
    return this.options.recipientOf?.(message) ?? message.senderId;
  }

  handleInbound(message: InboundMessage): EventDraft {
    const content = toContent(message.content);
    return {
      type: message.eventType ?? 'message',
      source: {
        channelId: this.channelId,
        channelType: this.options.typeOf?.(content) ?? this.channelType,
        direction: 'inbound',
        ...(message.senderId !== '' && { participantId: message.senderId }),
        ...(message.externalId !== undefined && { externalId: message.externalId }),
        ...(this.providerName !== undefined && { provider: this.providerName }),
        ...(message.providerMessageId !== undefined && { providerMessageId: message.providerMessageId }),
        rawPayload: message.rawPayload === undefined ? NO_PAYLOAD : Object.freeze(structuredClone(message.rawPayload)),
      },
      content,
      ...(message.threadId !== undefined && { channelData: { threadId: message.threadId } }),
    };
  }

  async deliver(event: RoomEvent, binding: ChannelBinding, _context: RoomContext, options: DeliverOptions): Promise<DeliverReceipt> {
    const { provider } = this.options;
    if (provider === undefined) return { skipped: true };
    const to = this.recipientKey === undefined ? binding.participantId : binding.metadata[this.recipientKey];
    if (typeof to !== 'string' || to === '') {
      throw new DeliveryError(
        'no_recipient',
        `Channel '${this.channelId}' does not know whom to send to in room '${event.roomId}'. Give metadata.${this.recipientKey ?? 'participantId'} to kit.attachChannel.`,
      );
    }
    const request = (content: EventContent, idempotencyKey: string): TransportRequest => ({
      to,
      content,
      event,
      binding,
      options: this.#defaults(binding),
      idempotencyKey,
      signal: options.signal,
    });
    const { parts } = options;
    if (parts === undefined) return this.#send(provider, request(event.content, options.idempotencyKey));
    let receipt: DeliverReceipt = {};
    for (let part = options.partsSent; part < parts.length; part++) {
      const content: EventContent = { ...event.content, type: 'text', body: parts[part] ?? '' };
      receipt = await this.#send(provider, request(content, `${options.idempotencyKey}:${part}`));
      await options.markPartsSent?.(part + 1);
    }
    return receipt;
  }

  async close(): Promise<void> {
    if (this.options.ownsProvider !== false) await this.options.provider?.close?.();
  }

  async #send(provider: TransportProvider, request: TransportRequest): Promise<DeliverReceipt> {
    const result = await provider.send(request);
    if (result.success) return receiptOf(result);
    throw new DeliveryError(result.error ?? 'failed', `${provider.name} did not take the message.`, {
      retryable: result.retryable ?? false,
      result,
      ...(result.retryAfterSeconds !== undefined && { retryAfterSeconds: result.retryAfterSeconds }),
    });
  }

  #defaults(binding: ChannelBinding): Metadata {
    const { defaults } = this.options;
    if (defaults === undefined) return NO_PAYLOAD;
    return Object.fromEntries(Object.entries(defaults).map(([key, value]) => [key, value ?? binding.metadata[key]]));
  }
}

const NO_PAYLOAD: Metadata = Object.freeze({});

function receiptOf(result: ProviderResult): DeliverReceipt {
  return { ...(result.providerMessageId !== undefined && { providerMessageId: result.providerMessageId }), providerResult: result };
}
