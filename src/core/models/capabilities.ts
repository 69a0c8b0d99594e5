/** What a channel can carry (behaviour §3.3). Transcoding and streaming decide by it. */
import { EMPTY, EMPTY_LIST, type Metadata } from './json.js';
import type { ChannelMediaType } from './vocabulary.js';

/** Everything a channel may be able to carry. Make it with {@link channelCapabilities}: absent abilities are off. */
export interface ChannelCapabilities {
  readonly mediaTypes: readonly ChannelMediaType[];
  /** Longest text in UTF-16 units. */
  readonly maxLength?: number;
  /** The most segments of one SMS; with `overflow: 'split'` a text that has more goes in several messages (TRC-03). */
  readonly maxSegments?: number;
  readonly overflow: 'truncate' | 'split';
  readonly supportsThreading: boolean;
  readonly supportsReactions: boolean;
  readonly supportsEdit: boolean;
  readonly supportsDelete: boolean;
  readonly supportsReadReceipts: boolean;
  readonly supportsTyping: boolean;
  readonly supportsTemplates: boolean;
  readonly supportsRichText: boolean;
  readonly supportsButtons: boolean;
  readonly supportsCards: boolean;
  readonly supportsQuickReplies: boolean;
  readonly supportsMedia: boolean;
  readonly supportsAudio: boolean;
  readonly supportsVideo: boolean;
  readonly maxButtons?: number;
  readonly supportedMediaTypes: readonly string[];
  readonly maxMediaSizeBytes?: number;
  readonly maxAudioDurationSeconds?: number;
  readonly supportedAudioFormats: readonly string[];
  readonly maxVideoDurationSeconds?: number;
  readonly supportedVideoFormats: readonly string[];
  readonly custom: Metadata;
}

const DEFAULTS: ChannelCapabilities = Object.freeze({
  mediaTypes: Object.freeze(['text'] as const),
  overflow: 'truncate',
  supportsThreading: false,
  supportsReactions: false,
  supportsEdit: false,
  supportsDelete: false,
  supportsReadReceipts: false,
  supportsTyping: false,
  supportsTemplates: false,
  supportsRichText: false,
  supportsButtons: false,
  supportsCards: false,
  supportsQuickReplies: false,
  supportsMedia: false,
  supportsAudio: false,
  supportsVideo: false,
  supportedMediaTypes: EMPTY_LIST,
  supportedAudioFormats: EMPTY_LIST,
  supportedVideoFormats: EMPTY_LIST,
  custom: EMPTY,
});

/** Capabilities with everything not given at its default (text only, all abilities off). Frozen. */
export function channelCapabilities(given: Partial<ChannelCapabilities> = {}): ChannelCapabilities {
  return Object.freeze({ ...DEFAULTS, ...given });
}
