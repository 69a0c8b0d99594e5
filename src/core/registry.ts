/** The channels a kit knows, each with what the kit keeps per channel: its breaker and its own rate limit. */
import type { Channel } from './channel.js';
import type { Clock } from './clock.js';
import { CircuitBreaker } from './delivery/breaker.js';
import { checkRateLimit, TokenBuckets } from './delivery/rate-limit.js';
import { ChannelAlreadyRegisteredError, ChannelNotRegisteredError, ValidationError } from './errors.js';
import { checkChannelId } from './ids.js';

export interface RegisteredChannel {
  readonly channel: Channel;
  readonly breaker: CircuitBreaker;
  /** The channel's own rate limit, across all its rooms (RES-02). */
  readonly limiter: TokenBuckets | undefined;
  /** Time before which the vendor asked us not to call (RES-03). */
  pausedUntilMs: number;
}

export class ChannelRegistry {
  readonly #channels = new Map<string, RegisteredChannel>();
  /** Grows with every change, so that plans know when they are stale. */
  version = 0;

  constructor(
    private readonly clock: Clock,
    private readonly onBreakerChange: (channelId: string, state: 'open' | 'closed') => void,
  ) {}

  add(channel: Channel): void {
    const id: unknown = channel?.channelId;
    checkChannelId(id);
    if (channel.category !== 'transport' && channel.category !== 'intelligence') {
      throw new ValidationError(`Channel '${id}' has category ${JSON.stringify(channel.category)}. Use 'transport' or 'intelligence'.`);
    }
    checkRateLimit(channel.rateLimit);
    if (this.#channels.has(id)) throw new ChannelAlreadyRegisteredError(id);
    const breaker = new CircuitBreaker(this.clock, {
      onChange: (state) => {
        if (state !== 'half_open') this.onBreakerChange(id, state);
      },
    });
    const limiter = channel.rateLimit === undefined ? undefined : new TokenBuckets(channel.rateLimit, this.clock);
    this.#channels.set(id, { channel, breaker, limiter, pausedUntilMs: 0 });
    this.version++;
  }

  remove(channelId: string): RegisteredChannel {
    const entry = this.require(channelId);
    this.#channels.delete(channelId);
    this.version++;
    return entry;
  }

  get(channelId: string): RegisteredChannel | undefined {
    return this.#channels.get(channelId);
  }

  require(channelId: string, kind = 'Channel'): RegisteredChannel {
    const entry = this.#channels.get(channelId);
    if (entry === undefined) throw new ChannelNotRegisteredError(channelId, this.#channels.keys(), kind);
    return entry;
  }

  ids(): string[] {
    return [...this.#channels.keys()];
  }

  all(): RegisteredChannel[] {
    return [...this.#channels.values()];
  }
}
