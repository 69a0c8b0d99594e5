/** A kit on a virtual clock, with channels and agents that do what a test tells them and remember what they were asked. */
import {
  channelCapabilities,
  DeliveryError,
  RoomKit,
  silentLogger,
  type Channel,
  type ChannelBinding,
  type ChannelCapabilities,
  type ChannelOutput,
  type DeliverOptions,
  type DeliverReceipt,
  type OnEventOptions,
  type ProviderResult,
  type RoomContext,
  type RoomEvent,
  type RoomKitOptions,
} from '../../src/core/index.js';
import { TestClock } from '../../src/testing/test-clock.js';

export interface Harness {
  readonly kit: RoomKit;
  readonly clock: TestClock;
}

export function makeKit(options: RoomKitOptions = {}): Harness {
  const clock = new TestClock();
  return { clock, kit: new RoomKit({ clock, logger: silentLogger, ...options }) };
}

export interface Heard {
  readonly event: RoomEvent;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly parts: readonly string[] | undefined;
}

export interface TransportOptions extends Partial<Omit<Channel, 'channelId' | 'capabilities'>> {
  readonly capabilities?: Partial<ChannelCapabilities>;
}

/** A transport that records what it is given. Durable unless told otherwise. */
export class TestTransport implements Channel {
  readonly channelType: Channel['channelType'];
  readonly category = 'transport';
  readonly direction: Channel['direction'];
  readonly capabilities: ChannelCapabilities;
  readonly durable: boolean;
  readonly heard: Heard[] = [];
  /** Attempts, failed ones included. */
  attempts = 0;
  isReady = true;
  #failures: (() => Error)[] = [];
  #hanging: (() => void)[] = [];
  #hangNext = 0;

  constructor(
    readonly channelId: string,
    options: TransportOptions = {},
  ) {
    const { capabilities, channelType, durable, direction, ...rest } = options;
    this.channelType = channelType ?? 'sms';
    this.direction = direction ?? 'bidirectional';
    this.durable = durable ?? true;
    this.capabilities = channelCapabilities({ mediaTypes: ['text', 'rich', 'media'], ...capabilities });
    Object.assign(this, rest);
  }

  ready(): boolean {
    return this.isReady;
  }

  /** The texts that arrived, in order. */
  get texts(): string[] {
    return this.heard.map(({ event }) => (event.content.type === 'text' ? event.content.body : event.content.type));
  }

  get indexes(): number[] {
    return this.heard.map(({ event }) => event.index);
  }

  failNext(times = 1, error: () => Error = () => new DeliveryError('unavailable', 'The vendor is down.', { retryable: true })): void {
    for (let time = 0; time < times; time++) this.#failures.push(error);
  }

  failWith(result: ProviderResult): void {
    this.failNext(1, () => new DeliveryError(result.error ?? 'failed', 'The vendor refused.', { retryable: result.retryable ?? false, result }));
  }

  hangNext(times = 1): void {
    this.#hangNext += times;
  }

  /** Lets everything that hangs go on. */
  resume(): void {
    for (const resume of this.#hanging.splice(0)) resume();
  }

  async deliver(event: RoomEvent, _binding: ChannelBinding, _context: RoomContext, options: DeliverOptions): Promise<DeliverReceipt> {
    this.attempts++;
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure();
    if (this.#hangNext > 0) {
      this.#hangNext--;
      await new Promise<void>((resolve) => this.#hanging.push(resolve));
    }
    this.heard.push({ event, attempt: options.attempt, idempotencyKey: options.idempotencyKey, parts: options.parts });
    return { providerMessageId: `${this.channelId}-${this.heard.length}` };
  }
}

export type Answer = (
  event: RoomEvent,
  context: RoomContext,
  options: OnEventOptions,
) => string | ChannelOutput | undefined | Promise<string | ChannelOutput | undefined>;

/** An agent without a model: `answer` says what it replies. */
export class TestAgent implements Channel {
  readonly channelType = 'ai';
  readonly category = 'intelligence';
  readonly direction = 'bidirectional';
  readonly capabilities = channelCapabilities({ mediaTypes: ['text', 'rich'] });
  readonly asked: RoomEvent[] = [];
  readonly contexts: RoomContext[] = [];
  readonly turns: OnEventOptions[] = [];

  constructor(
    readonly channelId: string,
    private readonly answer: Answer = (event) => `re: ${textOf(event)}`,
  ) {}

  async onEvent(event: RoomEvent, _binding: ChannelBinding, context: RoomContext, options: OnEventOptions): Promise<ChannelOutput> {
    this.asked.push(event);
    this.contexts.push(context);
    this.turns.push(options);
    const answer = await this.answer(event, context, options);
    if (answer === undefined) return {};
    if (typeof answer !== 'string') return answer;
    return { responded: true, responseEvents: [this.reply(answer)] };
  }

  reply(body: string): NonNullable<ChannelOutput['responseEvents']>[number] {
    return { source: this.source, content: { type: 'text', body } };
  }

  get source(): RoomEvent['source'] {
    return { channelId: this.channelId, channelType: 'ai', direction: 'inbound', rawPayload: {} };
  }
}

export function textOf(event: RoomEvent): string {
  return event.content.type === 'text' || event.content.type === 'system' ? event.content.body : '';
}

/** A room with these channels attached; the first one is where messages come from. */
export async function openRoom(kit: RoomKit, channels: readonly Channel[], roomId = 'room'): Promise<string> {
  await kit.createRoom({ roomId });
  for (const channel of channels) {
    kit.registerChannel(channel);
    await kit.attachChannel(roomId, channel.channelId);
  }
  return roomId;
}

/** The indexes of a room are exactly 0..n−1 and its counters say so (INV-01, INV-02). */
export async function gapless(kit: RoomKit, roomId: string): Promise<RoomEvent[]> {
  const events = await kit.getTimeline(roomId, { limit: 1000 });
  const room = await kit.getRoom(roomId);
  const indexes = events.map((event) => event.index);
  if (indexes.some((index, position) => index !== position) || room.latestIndex !== events.length - 1 || room.eventCount !== events.length) {
    throw new Error(`Room ${roomId} has indexes ${indexes.join(',')}, latestIndex ${room.latestIndex}, eventCount ${room.eventCount}.`);
  }
  return events;
}

/** Messages only. */
export function messagesOf(events: readonly RoomEvent[]): RoomEvent[] {
  return events.filter((event) => event.type === 'message');
}

/** Lets everything that needs no time happen. */
export async function settle(clock: TestClock): Promise<void> {
  await clock.advance(0);
}
