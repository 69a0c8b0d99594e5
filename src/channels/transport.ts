/**
 * A channel over a vendor's request-and-answer interface (SMS, e-mail, chat platforms): it turns messages into events and
 * events into requests to the one provider it is given. What differs from one such channel to the next is data, given as
 * options, so that a preset is a few lines.
 */
import type { Channel, ChannelServices, DeliverOptions, DeliverReceipt, InboundContext } from '../core/channel.js';
import { DeliveryError, ValidationError } from '../core/errors.js';
import { checkChannelId } from '../core/ids.js';
import type { ChannelFetchOptions, FetchedMedia } from '../core/media/media-store.js';
import type { ChannelBinding } from '../core/models/binding.js';
import { channelCapabilities, type ChannelCapabilities } from '../core/models/capabilities.js';
import type { EventContent } from '../core/models/content.js';
import type { InboundMessage, ProviderResult, RateLimit } from '../core/models/delivery.js';
import type { EphemeralEvent } from '../core/models/ephemeral.js';
import type { EventDraft, RoomEvent } from '../core/models/event.js';
import type { Awaitable, Metadata } from '../core/models/json.js';
import type { ProtocolTrace } from '../core/models/trace.js';
import type { ChannelDirection, ChannelType } from '../core/models/vocabulary.js';
import type { RoomContext } from '../core/rooms/context.js';
import { inboundDraft } from './inbound-draft.js';
import { changeSteps, idsAfter, type ChangeStep } from './message-changes.js';
import { withReachableMedia } from './reachable-media.js';
import type { WebhookProvider } from './webhook.js';

/** One message for the vendor. */
export interface TransportRequest {
  /** The recipient's address: a phone number, an e-mail address, a chat's id. Absent on channels without addresses. */
  readonly to?: string;
  /** The event it is part of. */
  readonly event: RoomEvent;
  /** What to send: the event's content, or one part of its text (TRC-03). */
  readonly content: EventContent;
  /** The channel's defaults, those left open filled from the binding's metadata (TRN-04). */
  readonly defaults: Metadata;
  /** How the channel takes part in the room. */
  readonly binding: ChannelBinding;
  /** The same for every attempt of this message, different for each part of a split text. */
  readonly idempotencyKey: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** The code of the attempt before, where it failed. */
  readonly previousError?: string;
  /** Which part of a split text this is, from 0, and of how many. */
  readonly part?: { readonly index: number; readonly count: number };
  /** Of an edit or a delete: the vendor's id of the message it is about. */
  readonly targetMessageId?: string;
  /** The message of this channel that is answered, or else its newest in the room: for threads and subjects. Read when asked for. */
  answered?(): Awaitable<RoomEvent | undefined>;
  /** Aborted when the attempt's time is up. */
  readonly signal: AbortSignal;
}

/** Typing, a receipt or a reaction for the vendor: heard now, never stored, never tried again. */
export interface EphemeralRequest {
  readonly type: 'typing_start' | 'typing_stop' | 'read_receipt' | 'reaction';
  /** Who is to see it. Absent on channels without addresses. */
  readonly to?: string;
  /** Of a receipt or a reaction: the vendor's id of the message it is about. */
  readonly messageId?: string;
  /** Of a reaction. */
  readonly emoji?: string;
  /** Of a reaction: it is taken back. */
  readonly isRemoved?: boolean;
  /** As in {@link TransportRequest.defaults}. */
  readonly defaults: Metadata;
  readonly binding: ChannelBinding;
  /** The newest message of this channel in the room. Read when asked for. */
  answered?(): Awaitable<RoomEvent | undefined>;
}

/** What a transport channel needs of a vendor's client. */
export interface TransportProvider {
  /** As stored in `source.provider` and in status callbacks. */
  readonly name: string;
  /** `success: false` is a failed delivery (TRN-05); throwing is one too. */
  send(request: TransportRequest): Awaitable<ProviderResult>;
  /** The longest text, in UTF-16 units, that the vendor takes as one message, where that is less than its channel carries. */
  readonly maxLength?: number;
  /** The most segments of an SMS that the vendor takes as one message. */
  readonly maxSegments?: number;
  /** Whether the vendor recognises a repeated idempotency key (OUT-09). Default false. */
  readonly supportsIdempotencyKey?: boolean;
  /** Whether the vendor is given files by their address alone: then `data:` urls become links of the media store (PV-05). Default false. */
  readonly fetchesMedia?: boolean;
  /** Fetches media of this vendor, with its credentials or by asking it where the file is; `null` for an ordinary link (MED-01). */
  fetchMedia?(url: string, options: ChannelFetchOptions): Awaitable<FetchedMedia | null>;
  /** Whether its results may say `again: 'after_inbound'` (OUT-17). Default false. */
  readonly parksDeliveries?: boolean;
  /** What became of an earlier attempt; `null` when the vendor does not know it (OUT-09). */
  lookupDelivery?(idempotencyKey: string, signal: AbortSignal): Awaitable<DeliverReceipt | null>;
  /** Shows that somebody types, has read or reacts; what it cannot show it leaves out. */
  sendEphemeral?(request: EphemeralRequest): Awaitable<void>;
  /** False while a connection is down. */
  ready?(): boolean;
  /** Called once, when the channel is registered: what the provider may tell it. */
  connect?(host: TransportHost): void;
  /** Called with the channel's, unless its `ownsProvider` is false. */
  close?(): Awaitable<void>;
}

/** What a provider may tell its channel. */
export interface TransportHost {
  /** A recipient has another address from now on: rooms that name the old one name the new one (TRN-07). */
  moved(from: string, to: string): Promise<void>;
}

/** What makes a transport channel this channel: its type, its vendor, how recipients are addressed. */
export interface TransportChannelOptions {
  /** What it is: `sms`, `email` … */
  readonly channelType: ChannelType;
  /** Text only unless told otherwise. */
  readonly capabilities?: Partial<ChannelCapabilities>;
  /** Without one, deliveries are skipped (TRN-03). */
  readonly provider?: TransportProvider | undefined;
  /** The key of binding metadata that holds the recipient's address. */
  readonly recipientKey?: string;
  /** Handed to the provider; a `null` is taken from the binding's metadata of the same key (TRN-04). */
  readonly defaults?: Metadata;
  /** Default `bidirectional`. */
  readonly direction?: ChannelDirection;
  /** Whether deliveries have outbox rows. Default true. */
  readonly durable?: boolean;
  /** How fast the vendor lets this channel go, in all rooms together; a binding may have a limit of its own (RES-02). */
  readonly rateLimit?: RateLimit;
  /** Close the provider with the channel. Default true. */
  readonly ownsProvider?: boolean;
  /** The channel type in the source of a message with this content; for channels that carry two kinds (TRN-02). */
  readonly sourceTypeOf?: (content: EventContent) => ChannelType;
  /** Where an answer goes when that is not the sender (TRN-06). */
  readonly recipientOf?: (message: InboundMessage) => string;
  /** A room for every thread of the same sender (RTR-05). Default false. */
  readonly roomPerThread?: boolean;
}

/** Carries messages between rooms and one vendor. Registered with `kit.registerChannel`; closed with the kit. */
export class TransportChannel implements Channel {
  readonly channelId: string;
  readonly channelType: ChannelType;
  readonly category = 'transport';
  readonly direction: ChannelDirection;
  readonly capabilities: ChannelCapabilities;
  readonly durable: boolean;
  readonly recipientKey?: string;
  readonly rateLimit?: RateLimit;
  readonly roomPerThread: boolean;
  readonly #options: TransportChannelOptions;
  readonly #openDefaults: readonly string[];
  #services: ChannelServices | undefined;
  #closed = false;

  constructor(channelId: string, options: TransportChannelOptions) {
    checkChannelId(channelId);
    const provider = options.provider;
    if (provider !== undefined && (typeof provider.send !== 'function' || typeof provider.name !== 'string')) {
      throw new ValidationError(`The provider of channel '${channelId}' needs a name and a method send(request).`);
    }
    this.channelId = channelId;
    this.channelType = options.channelType;
    this.direction = options.direction ?? 'bidirectional';
    this.capabilities = channelCapabilities(within(options.capabilities, provider));
    this.durable = options.durable ?? true;
    this.roomPerThread = options.roomPerThread ?? false;
    if (options.recipientKey !== undefined) this.recipientKey = options.recipientKey;
    if (options.rateLimit !== undefined) this.rateLimit = options.rateLimit;
    this.#options = options;
    this.#openDefaults = Object.entries(options.defaults ?? {}).flatMap(([key, value]) => (value === null ? [key] : []));
  }

  get providerName(): string | undefined {
    return this.#options.provider?.name;
  }

  /** The vendor's side of webhooks, where the provider brings it (WHK-03). */
  get webhook(): WebhookProvider | undefined {
    const provider = this.#options.provider;
    return provider !== undefined && isWebhookProvider(provider) ? provider : undefined;
  }

  get parksDeliveries(): boolean {
    return this.#options.provider?.parksDeliveries ?? false;
  }

  get supportsIdempotencyKey(): boolean {
    return this.#options.provider?.supportsIdempotencyKey ?? false;
  }

  connect(services: ChannelServices): void {
    this.#services = services;
    this.#options.provider?.connect?.({ moved: (from, to) => this.#moved(from, to) });
  }

  handleInbound(message: InboundMessage, _context: InboundContext): EventDraft {
    const draft = inboundDraft(this, message);
    const type = this.#options.sourceTypeOf?.(draft.content);
    return type === undefined || type === this.channelType ? draft : { ...draft, source: { ...draft.source, channelType: type } };
  }

  recipientOf(message: InboundMessage): string {
    return this.#options.recipientOf?.(message) ?? message.senderId;
  }

  ready(): boolean {
    return this.#options.provider?.ready?.() ?? true;
  }

  /** Throws DeliveryError: `no_recipient`, or what the vendor answered. */
  async deliver(event: RoomEvent, binding: ChannelBinding, _context: RoomContext, options: DeliverOptions): Promise<DeliverReceipt> {
    const provider = this.#options.provider;
    if (provider === undefined) return { skipped: true };
    const to = this.#recipient(binding);
    const frame = {
      ...(to !== undefined && { to }),
      event,
      binding,
      defaults: this.#defaults(binding),
      attempt: options.attempt,
      ...(options.previousError !== undefined && { previousError: options.previousError }),
      answered: () => this.#services?.answeredBy(event),
    };
    const { parts, idempotencyKey } = options;
    if (parts === undefined) {
      const steps = await this.#changes(event, binding.capabilities);
      if (steps.length > 1) return this.#changeEach(provider, frame, steps, options);
      const change = steps[0] ?? { content: event.content };
      const publish = this.#services?.publishMedia;
      const content =
        publish === undefined ? change.content : await withReachableMedia(change.content, event, publish, provider.fetchesMedia === true);
      return receiptOf(await this.#send(provider, { ...frame, ...change, content, idempotencyKey, signal: options.signal }));
    }
    let receipt: DeliverReceipt = {};
    for (let index = options.partsSent; index < parts.length; index++) {
      const request = {
        ...frame,
        content: partOf(event.content, parts[index] ?? ''),
        idempotencyKey: `${idempotencyKey}:${index}`,
        part: { index, count: parts.length },
        signal: options.signal,
      };
      receipt = receiptOf(await this.#send(provider, request, index));
      await options.markPartsSent?.(index + 1, receipt.providerMessageId);
    }
    return receipt;
  }

  /** A change of several messages is made one by one, and after a failure goes on from the first that was not made (TRC-06). */
  async #changeEach(
    provider: TransportProvider,
    frame: Omit<TransportRequest, 'content' | 'idempotencyKey' | 'signal'>,
    steps: readonly ChangeStep[],
    options: DeliverOptions,
  ): Promise<DeliverReceipt> {
    const { partsSent, idempotencyKey, signal } = options;
    const sent = [...(options.partMessageIds ?? [])];
    let receipt: DeliverReceipt = {};
    for (const [index, step] of steps.entries()) {
      if (index < partsSent) continue;
      receipt = receiptOf(await this.#send(provider, { ...frame, ...step, idempotencyKey: `${idempotencyKey}:${index}`, signal }, index));
      sent[index] = receipt.providerMessageId ?? '';
      await options.markPartsSent?.(index + 1, receipt.providerMessageId);
    }
    const { roomId, content } = frame.event;
    const isChanged = content.type === 'edit' && steps.some(({ targetMessageId }) => targetMessageId !== undefined);
    if (isChanged) await this.#services?.noteMessageIds(roomId, content.targetEventId, idsAfter(steps, sent));
    return receipt;
  }

  fetchMedia(url: string, options: ChannelFetchOptions): Awaitable<FetchedMedia | null> {
    return this.#options.provider?.fetchMedia?.(url, options) ?? null;
  }

  async deliverEphemeral(event: EphemeralEvent, binding: ChannelBinding): Promise<void> {
    const provider = this.#options.provider;
    if (provider?.sendEphemeral === undefined || !isShown(event.type)) return;
    const to = this.#recipient(binding);
    const { event_id: eventId, emoji, action } = event.data;
    const messageId = typeof eventId === 'string' ? await this.#services?.messageIdOf(event.roomId, eventId) : undefined;
    const needsMessage = event.type === 'read_receipt' || event.type === 'reaction';
    if (needsMessage && messageId === undefined) return; // a message that this channel has never carried
    await provider.sendEphemeral({
      type: event.type,
      ...(to !== undefined && { to }),
      ...(messageId !== undefined && { messageId }),
      ...(typeof emoji === 'string' && { emoji }),
      ...(action === 'remove' && { isRemoved: true }),
      defaults: this.#defaults(binding),
      binding,
      answered: () => this.#services?.answeredBy({ roomId: event.roomId }),
    });
  }

  lookupDelivery(idempotencyKey: string, signal: AbortSignal): Awaitable<DeliverReceipt | null> {
    return this.#options.provider?.lookupDelivery?.(idempotencyKey, signal) ?? null;
  }

  /** Reports an exchange with the vendor to whoever listens (`on_protocol_trace`). */
  emitTrace(trace: Omit<ProtocolTrace, 'channelId'>): void {
    this.#services?.emitTrace({ ...trace, channelId: this.channelId });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#options.ownsProvider !== false) await this.#options.provider?.close?.();
  }

  /** An edit or a delete needs the vendor's ids of its messages; what this channel has never carried is told in words (§11.1). */
  async #changes({ roomId, content }: RoomEvent, capabilities: ChannelCapabilities): Promise<readonly ChangeStep[]> {
    if (content.type !== 'edit' && content.type !== 'delete') return [{ content }];
    const ids = (await this.#services?.messageIdsOf(roomId, content.targetEventId)) ?? [];
    return changeSteps(content, ids, capabilities);
  }

  /** Rooms are changed one by one, and looked for again: those that were changed are not among them any more. */
  async #moved(from: string, to: string): Promise<void> {
    const { recipientKey } = this;
    const kit = this.#services?.kit;
    if (kit === undefined || recipientKey === undefined || from === to) return;
    const { channelId, channelType } = this;
    for (let round = 0; round < MAX_MOVED_ROOMS; round++) {
      const { addressed } = await kit.store.findRoute({ channelId, channelType, senderId: from, address: from });
      if (addressed.length === 0) return;
      for (const { roomId } of addressed) await kit.updateBindingMetadata(roomId, channelId, { [recipientKey]: to });
    }
  }

  #recipient(binding: ChannelBinding): string | undefined {
    if (this.recipientKey === undefined) return undefined;
    const address = binding.metadata[this.recipientKey];
    if (typeof address === 'string' && address !== '') return address;
    throw new DeliveryError(
      'no_recipient',
      `Channel '${this.channelId}' has no recipient in room '${binding.roomId}'. Attach it with { metadata: { ${this.recipientKey}: '…' } }.`,
    );
  }

  #defaults(binding: ChannelBinding): Metadata {
    const given = this.#options.defaults ?? {};
    if (this.#openDefaults.length === 0) return given;
    const filled: Record<string, unknown> = { ...given };
    for (const key of this.#openDefaults) {
      const value = binding.metadata[key];
      if (value === undefined || value === null) delete filled[key];
      else filled[key] = value;
    }
    return filled;
  }

  async #send(provider: TransportProvider, request: TransportRequest, partsSent = 0): Promise<ProviderResult> {
    const result = await provider.send(request);
    if (result.success) return result;
    throw new DeliveryError(result.error ?? 'provider_error', `${provider.name} did not take the message: ${result.error ?? 'no reason given'}.`, {
      // Unless the vendor says that it is in vain, another attempt may succeed (F21).
      retryable: result.retryable ?? true,
      result,
      ...(result.retryAfterSeconds !== undefined && { retryAfterSeconds: result.retryAfterSeconds }),
      ...(partsSent > 0 && { partsSent }),
    });
  }
}

/** What the channel carries, and no longer text than its vendor takes (TRC-03). */
function within(
  capabilities: Partial<ChannelCapabilities> = {},
  { maxLength, maxSegments }: Partial<TransportProvider> = {},
): Partial<ChannelCapabilities> {
  return {
    ...capabilities,
    ...(maxLength !== undefined && { maxLength: Math.min(capabilities.maxLength ?? maxLength, maxLength) }),
    ...(maxSegments !== undefined && { maxSegments: Math.min(capabilities.maxSegments ?? maxSegments, maxSegments) }),
  };
}

/** Two rooms of an address are found at a time; nobody has more of them than this. */
const MAX_MOVED_ROOMS = 100;

function isShown(type: EphemeralEvent['type']): type is EphemeralRequest['type'] {
  return type === 'typing_start' || type === 'typing_stop' || type === 'read_receipt' || type === 'reaction';
}

function isWebhookProvider(provider: TransportProvider): provider is TransportProvider & WebhookProvider {
  return 'parse' in provider && typeof provider.parse === 'function';
}

function receiptOf(result: ProviderResult): DeliverReceipt {
  return { providerResult: result, ...(result.providerMessageId !== undefined && { providerMessageId: result.providerMessageId }) };
}

function partOf(content: EventContent, body: string): EventContent {
  return content.type === 'text' && content.language !== undefined ? { type: 'text', body, language: content.language } : { type: 'text', body };
}

/** Whether content is media or holds some: what makes an SMS an MMS (TRN-02). */
export function holdsMedia(content: EventContent): boolean {
  return content.type === 'media' || (content.type === 'composite' && content.parts.some(holdsMedia));
}
