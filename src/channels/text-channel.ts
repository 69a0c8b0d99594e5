/** What the presets of text channels share: the options that are the same for all, and how a preset becomes a channel. */
import type { RateLimit } from '../core/models/delivery.js';
import type { ChannelDirection } from '../core/models/vocabulary.js';
import { TransportChannel, type TransportChannelOptions, type TransportProvider } from './transport.js';

/** What every text channel is made with. */
export interface TextChannelOptions {
  /** The vendor's client. Without one, deliveries are skipped (TRN-03). */
  readonly provider?: TransportProvider | undefined;
  /** Default `bidirectional`. */
  readonly direction?: ChannelDirection;
  /** How fast the vendor lets this channel go, in all rooms together (RES-02). */
  readonly rateLimit?: RateLimit;
  /** Close the provider with the channel. Default true. */
  readonly ownsProvider?: boolean;
}

/** The options of a preset with those of its user; what is not given keeps its default. */
export function presetOf(
  { provider, direction, rateLimit, ownsProvider }: TextChannelOptions,
  preset: Omit<TransportChannelOptions, Exclude<keyof TextChannelOptions, 'rateLimit'>>,
): TransportChannelOptions {
  return {
    ...preset,
    provider,
    ...(direction !== undefined && { direction }),
    ...(rateLimit !== undefined && { rateLimit }),
    ...(ownsProvider !== undefined && { ownsProvider }),
  };
}

/** A text that is not empty; undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export { TransportChannel };
