/** Whom a reply can reach, and what all of them can take (AI-06). */
import { canRead, isVisibleTo } from '../core/delivery/visibility.js';
import type { ChannelBinding } from '../core/models/binding.js';
import { channelCapabilities, type ChannelCapabilities } from '../core/models/capabilities.js';
import { EMPTY, EMPTY_LIST } from '../core/models/json.js';
import type { ChannelMediaType } from '../core/models/vocabulary.js';

export interface ReplyTargets {
  readonly mediaTypes: readonly ChannelMediaType[];
  readonly capabilities: ChannelCapabilities | undefined;
}

const NOBODY: ReplyTargets = { mediaTypes: EMPTY_LIST, capabilities: undefined };

/** `visibility` is the reply's own, as far as its trigger decides it (BC-06). */
export function replyTargets(bindings: readonly ChannelBinding[], own: ChannelBinding, visibility: string | undefined): ReplyTargets {
  const effective = visibility === undefined || visibility === 'all' ? own.visibility : visibility;
  let reached: ChannelCapabilities | undefined;
  for (const binding of bindings) {
    if (binding.category !== 'transport' || binding.channelId === own.channelId || binding.outputMuted) continue;
    if (!canRead(binding) || !isVisibleTo(effective, binding.channelId, binding.category)) continue;
    reached = reached === undefined ? binding.capabilities : narrower(reached, binding.capabilities);
  }
  return reached === undefined ? NOBODY : { mediaTypes: reached.mediaTypes, capabilities: reached };
}

const ABILITIES = [
  'supportsThreading',
  'supportsReactions',
  'supportsEdit',
  'supportsDelete',
  'supportsReadReceipts',
  'supportsTyping',
  'supportsTemplates',
  'supportsRichText',
  'supportsButtons',
  'supportsCards',
  'supportsQuickReplies',
  'supportsMedia',
  'supportsAudio',
  'supportsVideo',
] as const satisfies readonly (keyof ChannelCapabilities)[];
const LIMITS = [
  'maxLength',
  'maxButtons',
  'maxMediaSizeBytes',
  'maxAudioDurationSeconds',
  'maxVideoDurationSeconds',
] as const satisfies readonly (keyof ChannelCapabilities)[];
const FORMATS = ['supportedMediaTypes', 'supportedAudioFormats', 'supportedVideoFormats'] as const satisfies readonly (keyof ChannelCapabilities)[];

/** What both can take. */
function narrower(one: ChannelCapabilities, other: ChannelCapabilities): ChannelCapabilities {
  if (one === other) return one;
  const both: { -readonly [Field in keyof ChannelCapabilities]?: ChannelCapabilities[Field] } = {
    mediaTypes: one.mediaTypes.filter((type) => other.mediaTypes.includes(type)),
    overflow: one.overflow === 'split' && other.overflow === 'split' ? 'split' : 'truncate',
    custom: EMPTY,
  };
  for (const ability of ABILITIES) both[ability] = one[ability] && other[ability];
  for (const limit of LIMITS) {
    const least = Math.min(one[limit] ?? Infinity, other[limit] ?? Infinity);
    if (least !== Infinity) both[limit] = least;
  }
  for (const format of FORMATS) {
    // An empty list names no restriction.
    if (one[format].length === 0 || other[format].length === 0) both[format] = one[format].length === 0 ? other[format] : one[format];
    else both[format] = one[format].filter((type) => other[format].includes(type));
  }
  return channelCapabilities(both);
}
