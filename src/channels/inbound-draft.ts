/** What a transport's message becomes before the pipeline takes it (TRN-01). Shared by all transport channels; on the hot path. */
import type { Channel } from '../core/channel.js';
import type { EventDraft, EventSource } from '../core/models/event.js';
import type { InboundMessage } from '../core/models/delivery.js';
import { toContent } from '../core/models/content-validation.js';
import { frozenMap } from '../core/models/json.js';

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/**
 * The event a message stands for, as `handleInbound` of a channel of your own may give it back. `channelType` replaces the
 * receiver's own type in the source (TRN-02). Throws ValidationError for content that cannot be.
 */
export function inboundDraft(
  receiver: Pick<Channel, 'channelId' | 'channelType' | 'providerName'>,
  message: InboundMessage,
  channelType = receiver.channelType,
): EventDraft {
  const rawPayload = frozenMap(message.rawPayload);
  const { channelId } = receiver;
  const source: Writable<EventSource> =
    message.senderId === ''
      ? { channelId, channelType, direction: 'inbound', rawPayload }
      : { channelId, channelType, direction: 'inbound', rawPayload, participantId: message.senderId };
  if (message.externalId !== undefined) source.externalId = message.externalId;
  if (receiver.providerName !== undefined) source.provider = receiver.providerName;
  if (message.providerMessageId !== undefined) source.providerMessageId = message.providerMessageId;
  const draft: Writable<EventDraft> = { type: message.eventType ?? 'message', source, content: toContent(message.content) };
  if (message.threadId !== undefined) draft.channelData = { threadId: message.threadId };
  if (message.visibility !== undefined) draft.visibility = message.visibility;
  if (message.parentEventId !== undefined) draft.parentEventId = message.parentEventId;
  if (message.idempotencyKey !== undefined) draft.idempotencyKey = message.idempotencyKey;
  if (message.addressedTo !== undefined) draft.addressedTo = message.addressedTo;
  if (message.responseVisibility !== undefined) draft.responseVisibility = message.responseVisibility;
  if (message.metadata !== undefined) draft.metadata = message.metadata;
  return draft;
}
