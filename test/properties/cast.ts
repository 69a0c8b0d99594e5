/** The channels and agents of one process: they do what the script says next, and write down what they are told. */
import {
  channelCapabilities,
  DeliveryError,
  ProviderError,
  type Channel,
  type ChannelBinding,
  type ChannelOutput,
  type Clock,
  type DeliverOptions,
  type DeliverReceipt,
  type OnEventOptions,
  type RoomContext,
  type RoomEvent,
} from '../../src/core/index.js';
import { AIChannel, messageText, type AIProvider, type GenerateOptions } from '../../src/ai/index.js';
import type { AIContext, AIResponse, AIStreamItem } from '../../src/core/models/ai.js';
import { WebSocketChannel } from '../../src/channels/index.js';
import { wordsIn, type Record } from './record.js';

export const ROOMS = ['red', 'blue'] as const;
export const DURABLE = ['sms', 'mail'] as const;
export const TRANSPORTS = ['web', 'pager', ...DURABLE] as const;
export const AGENTS = ['bot', 'aide'] as const;
export const CHANNELS = [...TRANSPORTS, ...AGENTS] as const;
export type ChannelId = (typeof CHANNELS)[number];

export const TRANSPORT_MOODS = ['busy', 'refuses', 'hangs', 'slow'] as const;
export const AGENT_MOODS = ['silent', 'twice', 'fails', 'fails_for_now', 'hangs', 'slow', 'breaks_off'] as const;
export type Mood = (typeof TRANSPORT_MOODS)[number] | (typeof AGENT_MOODS)[number];

/** What each channel does next; nothing planned is the ordinary. */
export class Script {
  readonly #moods = new Map<string, Mood[]>();
  #hanging: (() => void)[] = [];
  readonly away = new Set<string>();
  /** The process is gone: what it still does happens nowhere. */
  dead = false;

  plan(channelId: string, mood: Mood): void {
    this.#moods.set(channelId, [...(this.#moods.get(channelId) ?? []), mood]);
  }

  next(channelId: string): Mood | undefined {
    return this.#moods.get(channelId)?.shift();
  }

  hang(): Promise<void> {
    return new Promise((resolve) => this.#hanging.push(resolve));
  }

  resume(): void {
    for (const go of this.#hanging.splice(0)) go();
  }

  relax(): void {
    this.#moods.clear();
    this.away.clear();
    this.resume();
  }
}

export interface CastParts {
  readonly life: number;
  readonly clock: Clock;
  readonly script: Script;
  readonly record: Record;
}

export interface Cast {
  readonly channels: readonly Channel[];
  readonly web: WebSocketChannel;
}

export function makeCast(parts: CastParts): Cast {
  const web = new WebSocketChannel('web', { echo: true });
  const channels: Channel[] = [
    web,
    new Pager('pager', false, parts),
    ...DURABLE.map((id) => new Pager(id, true, parts)),
    bot(parts),
    new Aide(parts),
  ];
  return { channels, web };
}

class Pager implements Channel {
  readonly channelType = 'sms';
  readonly category = 'transport';
  readonly direction = 'bidirectional';
  readonly capabilities = channelCapabilities({ mediaTypes: ['text'] });
  readonly supportsIdempotencyKey: boolean;

  constructor(
    readonly channelId: string,
    readonly durable: boolean,
    private readonly parts: CastParts,
  ) {
    this.supportsIdempotencyKey = channelId === 'mail';
  }

  ready(): boolean {
    return !this.parts.script.away.has(this.channelId);
  }

  async deliver(event: RoomEvent, _binding: ChannelBinding, _context: RoomContext, options: DeliverOptions): Promise<DeliverReceipt> {
    const { script, record, life, clock } = this.parts;
    if (script.dead) return new Promise(() => undefined);
    const { channelId } = this;
    const told = { at: record.now(), life, channelId, roomId: event.roomId, event, key: options.idempotencyKey, taken: false };
    record.told.push(told);
    switch (script.next(channelId)) {
      case 'busy':
        throw new DeliveryError('busy', 'Later.', { retryable: true });
      case 'refuses':
        throw new DeliveryError('invalid_number', 'Never.', { retryable: false });
      case 'hangs':
        await script.hang();
        break;
      case 'slow':
        await clock.sleep(3000);
        break;
      default:
        await Promise.resolve();
    }
    told.taken = true;
    return { providerMessageId: `${channelId}-${told.at}` };
  }
}

/** An agent without a model. */
class Aide implements Channel {
  readonly channelId = 'aide';
  readonly channelType = 'ai';
  readonly category = 'intelligence';
  readonly direction = 'bidirectional';
  readonly capabilities = channelCapabilities({ mediaTypes: ['text', 'rich'] });

  constructor(private readonly parts: CastParts) {}

  async onEvent(event: RoomEvent, _binding: ChannelBinding, context: RoomContext, options: OnEventOptions): Promise<ChannelOutput> {
    const { script, record, clock } = this.parts;
    if (script.dead) return new Promise(() => undefined);
    note(this.parts, this.channelId, event, options, record.now(), context.visibleTo(this.channelId).map(textOf).join(' '));
    const reply = (): NonNullable<ChannelOutput['responseEvents']>[number] => ({
      source: { channelId: 'aide', channelType: 'ai', direction: 'outbound', rawPayload: {} },
      content: { type: 'text', body: `${record.newWord()} from aide` },
    });
    switch (script.next(this.channelId)) {
      case 'silent':
        return {};
      case 'twice':
        return { responseEvents: [reply(), reply()] };
      case 'fails':
      case 'breaks_off':
        throw new ProviderError('No.', { provider: 'aide', retryable: false });
      case 'fails_for_now':
        throw new ProviderError('Not now.', { provider: 'aide', retryable: true });
      case 'hangs':
        await script.hang();
        break;
      case 'slow':
        await clock.sleep(4000);
        break;
      default:
    }
    return { responded: true, responseEvents: [reply()] };
  }
}

/** An agent with a model that streams. */
function bot(parts: CastParts): Channel {
  const { script, record, clock } = parts;
  /** By room: there is one turn at a time in each. */
  const turns = new Map<string, { event: RoomEvent; options: OnEventOptions; begunAt: number }>();
  const provider: AIProvider = {
    name: 'model',
    modelName: 'model',
    supportsVision: false,
    supportsStreaming: true,
    supportsTools: false,
    generate: (): Promise<AIResponse> => Promise.reject(new Error('It streams.')),
    async *generateStream(context: AIContext, _options?: GenerateOptions): AsyncGenerator<AIStreamItem, void> {
      const turn = turns.get(context.room?.id ?? '');
      if (turn !== undefined) note(parts, 'bot', turn.event, turn.options, turn.begunAt, context.messages.map(messageText).join(' '));
      const mood = script.next('bot');
      if (mood === 'silent') return yield { type: 'done' };
      if (mood === 'fails') throw new ProviderError('No.', { provider: 'model', retryable: false });
      if (mood === 'fails_for_now') throw new ProviderError('Not now.', { provider: 'model', retryable: true });
      yield { type: 'text_delta', text: `${record.newWord()} ` };
      if (mood === 'hangs') await script.hang();
      if (mood === 'slow') await clock.sleep(4000);
      if (mood === 'breaks_off') throw new ProviderError('It broke.', { provider: 'model', retryable: true });
      yield { type: 'text_delta', text: 'from bot' };
      yield { type: 'done', finishReason: 'stop' };
    },
  };
  const channel = new AIChannel('bot', { provider, loopTimeoutSeconds: 50, retryPolicy: { maxRetries: 1, baseDelaySeconds: 1 } });
  const onEvent = channel.onEvent.bind(channel);
  channel.onEvent = (event, binding, context, options) => {
    if (script.dead) return new Promise(() => undefined);
    turns.set(event.roomId, { event, options, begunAt: record.now() });
    return onEvent(event, binding, context, options);
  };
  return channel;
}

function note({ record, life }: CastParts, channelId: string, trigger: RoomEvent, options: OnEventOptions, begunAt: number, shown: string): void {
  record.asked.push({
    at: record.now(),
    begunAt,
    life,
    channelId,
    roomId: trigger.roomId,
    trigger,
    turnId: options.turn?.id ?? '',
    attempt: options.turn?.attempt ?? 0,
    words: wordsIn(shown),
  });
}

/** All text of an event, that of an edit included. */
export function textOf(event: RoomEvent): string {
  const { content } = event;
  if (content.type === 'edit') return content.newContent.type === 'text' ? content.newContent.body : '';
  return content.type === 'text' || content.type === 'system' ? content.body : '';
}
