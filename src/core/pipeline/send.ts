/** A direct send (behaviour §14): the common pass, without a transport's webhook before it. */
import { callScope, isInsideCause } from '../call-scope.js';
import { ChannelNotFoundError, errorCode, RoomClosedError } from '../errors.js';
import { toContent } from '../models/content-validation.js';
import type { ContentInput, EventContent } from '../models/content.js';
import type { InboundResult } from '../models/delivery.js';
import { EMPTY, frozenMap, type Metadata } from '../models/json.js';
import type { EventType } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { outcomeAttributes } from '../telemetry/outcome-attributes.js';
import { checkAddress } from './address.js';
import { Cascade } from './cascade.js';
import { loadState } from './commit.js';
import { blockedResult, SettledResult, typeOf } from './inbound.js';
import { runPass } from './pass.js';
import { ProcessDeadline } from './process-deadline.js';

/** What else is known of an event that is sent directly (§14). */
export interface SendOptions {
  /** Default `message`; edits and deletes follow from their content. */
  readonly eventType?: EventType;
  /** Default 0; inside a turn or hook, the causing event's depth + 1 (SND-04). */
  readonly chainDepth?: number;
  /** Who in the channel speaks. */
  readonly participantId?: string;
  /** Keys are snake_case; at most 64 KiB. */
  readonly metadata?: Metadata;
  /** Who hears it; default `all`, which leaves it to the binding (PERM-05). */
  readonly visibility?: string;
  /** Exactly these agents are to answer; empty: nobody. */
  readonly addressedTo?: readonly string[];
  /** Becomes the visibility of every answer (BC-06). */
  readonly responseVisibility?: string;
  /** What it answers. */
  readonly parentEventId?: string;
  /** A repeated key in the same room gives the first event (INB-08). */
  readonly idempotencyKey?: string;
  /** The vendor, as stored in the event's source. */
  readonly provider?: string;
  /** As in {@link InboundOptions.signal}. */
  readonly signal?: AbortSignal;
  /** As in {@link InboundOptions.wait}. */
  readonly wait?: 'cascade' | 'commit';
}

/** What nothing else has caused begins a trace of its own; inside a hook, turn or tool it is part of theirs (TEL-04). */
export async function sendEvent(
  parts: KitParts,
  roomId: string,
  channelId: string,
  given: ContentInput,
  options: SendOptions = {},
): Promise<InboundResult> {
  const { tracer } = parts;
  if (!tracer.enabled || callScope.getStore()?.span !== undefined) return send(parts, roomId, channelId, given, options);
  const span = tracer.startHere('framework.inbound', 'send', { roomId, channelId });
  try {
    const result = await tracer.run(span, () => send(parts, roomId, channelId, given, options));
    tracer.end(span, { status: 'ok', attributes: outcomeAttributes(tracer, result) });
    return result;
  } catch (error) {
    tracer.end(span, { status: 'error', errorMessage: errorCode(error) });
    throw error;
  }
}

async function send(parts: KitParts, roomId: string, channelId: string, given: ContentInput, options: SendOptions): Promise<InboundResult> {
  parts.assertOpen();
  const content = toContent(given);
  checkAddress(options.addressedTo);
  const passed = parts.passing.enter();
  try {
    return await sendPassing(parts, roomId, channelId, content, options, passed);
  } finally {
    passed();
  }
}

async function sendPassing(
  parts: KitParts,
  roomId: string,
  channelId: string,
  content: EventContent,
  options: SendOptions,
  passed: () => void,
): Promise<InboundResult> {
  const startedAt = parts.clock.now();
  const state = await loadState(parts, roomId);
  const binding = state.bindings.find((candidate) => candidate.channelId === channelId);
  if (binding === undefined)
    throw new ChannelNotFoundError(
      roomId,
      channelId,
      state.bindings.map((bound) => bound.channelId),
    );
  if (state.room.status === 'closed' || state.room.status === 'archived') throw new RoomClosedError(roomId, state.room.status);
  const scope = callScope.getStore();
  // What a turn sends is part of what its message set in motion.
  const cascade = scope?.turn?.roomId === roomId ? scope.turn.cascade : new Cascade();
  cascade.span ??= scope?.span;
  const deadline = new ProcessDeadline(parts, startedAt, options.signal);
  try {
    const outcome = await runPass(parts, {
      fields: {
        roomId,
        type: typeOf(content.type, options.eventType),
        source: Object.freeze({
          channelId,
          channelType: binding.channelType,
          direction: 'inbound' as const,
          ...(options.participantId !== undefined && { participantId: options.participantId }),
          ...(options.provider !== undefined && { provider: options.provider }),
          rawPayload: EMPTY,
        }),
        content,
        visibility: options.visibility ?? 'all',
        chainDepth: options.chainDepth ?? (scope?.causeDepth === undefined ? 0 : scope.causeDepth + 1),
        metadata: frozenMap(options.metadata),
        channelData: EMPTY,
        parentEventId: options.parentEventId,
        idempotencyKey: options.idempotencyKey,
        addressedTo: options.addressedTo,
        responseVisibility: options.responseVisibility,
      },
      cascade,
      origin: 'send',
      deadline,
      startedAt,
      span: scope?.span,
    });
    passed();
    switch (outcome.kind) {
      case 'refused':
      case 'dropped':
        if (outcome.reason === 'room_closed') throw new RoomClosedError(roomId);
        return blockedResult(outcome.reason ?? 'dropped');
      case 'duplicate':
        return {
          ...(outcome.event !== undefined && { event: outcome.event }),
          blocked: outcome.event?.status === 'blocked',
          duplicate: true,
          deliveryResults: EMPTY,
          turns: [],
        };
      case 'blocked':
      case 'committed':
        break;
    }
    if (options.wait !== 'commit' && !isInsideCause()) {
      for (let settled = cascade.settled(); settled !== undefined; settled = cascade.settled()) await settled;
    }
    return new SettledResult(outcome, cascade);
  } finally {
    deadline.end();
  }
}
