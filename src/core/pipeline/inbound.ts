/**
 * A message comes in (behaviour §9). The steps in order: channel, route, attach, normalise, identity (this file), then the
 * common pass (pass.ts), then the result.
 */
import { answerTap, tapOf } from '../approvals/taps.js';
import { isInsideCause } from '../call-scope.js';
import type { InboundContext } from '../channel.js';
import { errorCode, RoomNotFoundError, ValidationError } from '../errors.js';
import { toContent } from '../models/content-validation.js';
import type { DeliveryResult, InboundMessage, InboundResult } from '../models/delivery.js';
import type { EventDraft, RoomEvent } from '../models/event.js';
import type { Participant } from '../models/people.js';
import type { Room } from '../models/room.js';
import { EMPTY, EMPTY_LIST, frozenMap, isPromise, type Awaitable } from '../models/json.js';
import type { KitParts } from '../parts.js';
import type { RegisteredChannel } from '../registry.js';
import { attachOnArrival, isTombstoned } from '../rooms/channel-operations.js';
import type { RoomContext } from '../rooms/context.js';
import { contextOf } from '../rooms/history.js';
import { createRoomForSender, createRoomWithId, inRoom } from '../rooms/lifecycle.js';
import { bindingOf, type RoomState } from '../store/store.js';
import { outcomeAttributes } from '../telemetry/outcome-attributes.js';
import { readTraceContext, type TraceHeaders } from '../telemetry/trace-context.js';
import type { ArrivalOrder } from './arrival-order.js';
import { checkAddress } from './address.js';
import { Cascade } from './cascade.js';
import { checkState } from './commit.js';
import { pendingKey } from './edit-delete.js';
import { releaseHeld } from './held.js';
import { challengeKey, isStillSender, knownSender, resolvesSenders, resolveSender } from './identity.js';
import type { ParticipantDecision } from './participants.js';
import type { RoutedMessage } from './router.js';
import { runPass, type PassInput, type PassOutcome } from './pass.js';
import { ProcessDeadline, ProcessTimeout } from './process-deadline.js';
import { wakeParked } from '../delivery/parked.js';
import { isEphemeral, publishInbound } from './inbound-ephemeral.js';
import { quotedParent } from './quoted-parent.js';
import { typedTap } from './typed-tap.js';

/** How `processInbound` finds the room and when it answers. */
export interface InboundOptions {
  /** The room, when the caller knows it; else the router decides (INB-02). */
  readonly roomId?: string;
  /** `cascade` (default): until deliveries and turns it caused have settled. `commit`: until it is in the timeline. */
  readonly wait?: 'cascade' | 'commit';
  /** Aborting gives up at the next safe point; a commit that has begun is completed and reported (INB-20). */
  readonly signal?: AbortSignal;
  /** Headers of the request it came with, for `traceparent` and `tracestate` (TEL-08). Default: what {@link RoomKit.continueTrace} was given. */
  readonly trace?: TraceHeaders;
}

/** What was on hold goes before the message that let it go: it takes no place in line behind it (INB-27, IDN-11). */
interface ReleasedOptions extends InboundOptions {
  readonly released?: ParticipantDecision | true;
}

const NO_RESULTS: Readonly<Record<string, DeliveryResult>> = EMPTY;

const NO_OPTIONS: InboundOptions = {};

export function processInbound(parts: KitParts, message: InboundMessage, options: InboundOptions = NO_OPTIONS): Promise<InboundResult> {
  if (parts.tracer.enabled || parts.inboundLimits !== undefined) return processWatched(parts, message, options);
  return inbound(parts, message, options, undefined);
}

/** A message that was on hold: its sender is known now, and nobody is asked again. */
export function processReleased(
  parts: KitParts,
  message: InboundMessage,
  roomId: string,
  sender: ParticipantDecision | undefined,
): Promise<InboundResult> {
  const options: ReleasedOptions = { roomId, wait: 'commit', released: sender ?? true };
  return parts.tracer.enabled ? processTraced(parts, message, options) : inbound(parts, message, options, undefined);
}

/** With a span around it, and the flood gate before it. */
async function processWatched(parts: KitParts, message: InboundMessage, options: InboundOptions): Promise<InboundResult> {
  parts.assertOpen();
  checkMessage(message);
  if (parts.inboundLimits !== undefined && !parts.inboundLimits.take(message.channelId, message.senderId))
    return counted(parts, blockedResult('rate_limited'));
  return parts.tracer.enabled ? processTraced(parts, message, options) : inbound(parts, message, options, undefined);
}

async function processTraced(parts: KitParts, message: InboundMessage, options: ReleasedOptions): Promise<InboundResult> {
  const { tracer } = parts;
  const incoming = options.trace === undefined || !tracer.carries ? undefined : readTraceContext(options.trace);
  const span = tracer.startHere('framework.inbound', 'inbound', {
    channelId: message.channelId,
    ...(options.roomId !== undefined && { roomId: options.roomId }),
    ...(incoming !== undefined && { incoming }),
  });
  try {
    const result = await tracer.run(span, () => inbound(parts, message, options, span));
    tracer.end(span, { status: 'ok', attributes: outcomeAttributes(tracer, result) });
    return result;
  } catch (error) {
    tracer.end(span, { status: 'error', errorMessage: errorCode(error) });
    throw error;
  }
}

/** The ordinary message waits for nothing: it is committed, and its deliveries have begun, before this returns. */
function inbound(parts: KitParts, message: InboundMessage, options: ReleasedOptions, span: string | undefined): Promise<InboundResult> {
  let deadline: ProcessDeadline | undefined;
  try {
    parts.assertOpen();
    checkMessage(message);
    const entry = parts.channels.require(message.channelId);
    const startedAt = parts.clock.now();
    deadline = new ProcessDeadline(parts, startedAt, options.signal);
    // Only a step that waits can be overtaken: a place in line is taken when somebody is in line or this call has to wait.
    const released = options.released !== undefined;
    const place = parts.arrivals.quiet || released ? undefined : placeBehind(parts, message, options);
    const prepared = prepare(parts, entry, message, options, deadline);
    if (isPromise(prepared) || place !== undefined) {
      const own = place ?? (released ? undefined : parts.arrivals.enter(orderKey(message, options)));
      return inboundInTurn(parts, entry, message, options, deadline, startedAt, span, prepared, own);
    }
    if (prepared.result !== undefined) {
      deadline.end();
      return Promise.resolve(counted(parts, prepared.result));
    }
    const { cascade } = prepared.pass;
    prepared.pass.newKey = message.idempotencyKey;
    const outcome = runPass(parts, begin(prepared.pass, deadline, startedAt, span));
    if (isPromise(outcome)) return inboundAfter(parts, entry, message, options, deadline, outcome, cascade);
    deadline.end();
    const finished = finish(parts, entry, message, outcome, cascade, options);
    return isPromise(finished) ? finished : Promise.resolve(finished);
  } catch (error) {
    deadline?.end();
    return failed(parts, message, options, error);
  }
}

/** The same behind others of its sender, or when finding out about room and sender takes its time. */
async function inboundInTurn(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  options: InboundOptions,
  deadline: ProcessDeadline,
  startedAt: number,
  span: string | undefined,
  preparing: Awaitable<PreparedOrResult>,
  place: ReturnType<ArrivalOrder['enter']> | undefined,
): Promise<InboundResult> {
  let pass = place?.pass;
  const passed = parts.passing.enter();
  try {
    const prepared = isPromise(preparing) ? await deadline.wait(preparing) : preparing;
    if (place?.turn !== undefined) await deadline.wait(place.turn);
    if (prepared.result !== undefined) return counted(parts, prepared.result);
    const outcome = runPass(parts, begin(prepared.pass, deadline, startedAt, span));
    // Its place in the room's queue is taken now: whoever comes next stands behind it.
    pass?.();
    pass = undefined;
    const { cascade } = prepared.pass;
    let ended: PassOutcome;
    try {
      ended = isPromise(outcome) ? await outcome : outcome;
    } catch (error) {
      if (!(error instanceof RoomNotFoundError) || prepared.pass.isRemembered !== true) throw error;
      // It was remembered, and is gone: the message goes where one to an unknown room goes.
      const asked = prepareShared(parts, entry, message, options, deadline, true);
      return await inboundInTurn(parts, entry, message, options, deadline, startedAt, span, asked, undefined);
    }
    passed();
    return await finish(parts, entry, message, ended, cascade, options);
  } catch (error) {
    return await failed(parts, message, options, error);
  } finally {
    passed();
    pass?.();
    deadline.end();
  }
}

async function inboundAfter(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  options: InboundOptions,
  deadline: ProcessDeadline,
  passing: Promise<PassOutcome>,
  cascade: Cascade,
): Promise<InboundResult> {
  try {
    return await finish(parts, entry, message, await parts.passing.run(() => passing), cascade, options);
  } catch (error) {
    return await failed(parts, message, options, error);
  } finally {
    deadline.end();
  }
}

function begin(pass: PassInput, deadline: ProcessDeadline, startedAt: number, span: string | undefined): PassInput {
  pass.deadline = deadline;
  pass.startedAt = startedAt;
  pass.span = span;
  pass.cascade.span = span;
  return pass;
}

function failed(parts: KitParts, message: InboundMessage, options: InboundOptions, error: unknown): Promise<InboundResult> {
  if (error instanceof ProcessTimeout) return Promise.resolve(counted(parts, timedOut(parts, message, error, options.roomId)));
  parts.counters.inbound.failed++;
  return Promise.reject(error instanceof Error ? error : new Error(String(error)));
}

function orderKey(message: InboundMessage, options: InboundOptions): string {
  return `${message.channelId}\u0000${message.senderId}\u0000${options.roomId ?? ''}`;
}

function placeBehind(parts: KitParts, message: InboundMessage, options: InboundOptions): ReturnType<ArrivalOrder['enter']> | undefined {
  const key = orderKey(message, options);
  return parts.arrivals.busy(key) ? parts.arrivals.enter(key) : undefined;
}

interface Prepared {
  readonly pass: PassInput;
  readonly result?: undefined;
}

/** Of what goes to the ephemeral bus. */
const HEARD: InboundResult = Object.freeze({ blocked: false, duplicate: false, deliveryResults: NO_RESULTS, turns: [] });

type PreparedOrResult = Prepared | { readonly result: InboundResult };

/** Steps 2 to 6. Answers at once when nothing has to be waited for: the ordinary case. */
function prepare(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  options: ReleasedOptions,
  deadline: ProcessDeadline,
): PreparedOrResult | Promise<PreparedOrResult> {
  const channel = entry.channel;
  if (parts.store.shared) return prepareShared(parts, entry, message, options, deadline);
  if (options.roomId !== undefined) {
    const loaded = parts.store.loadRoom(options.roomId);
    if (isPromise(loaded)) return prepareSlowly(parts, entry, message, options, deadline, options.roomId, loaded);
    if (loaded !== null && isBound(loaded, channel.channelId)) {
      return unlessKnown(parts, entry, message, options, checkState(parts, options.roomId, loaded), deadline);
    }
  } else if (!isEphemeral(message)) {
    const routed = parts.router.route(routeQuery(parts, entry, message));
    if (isPromise(routed)) return prepareSlowly(parts, entry, message, options, deadline, routed);
    if (routed !== null) {
      const loaded = parts.store.loadRoom(routed);
      if (isPromise(loaded)) return prepareSlowly(parts, entry, message, options, deadline, routed, loaded);
      if (loaded !== null && isBound(loaded, channel.channelId)) {
        return unlessKnown(parts, entry, message, options, checkState(parts, routed, loaded), deadline);
      }
    }
  }
  return prepareSlowly(parts, entry, message, options, deadline);
}

/**
 * Of a store that is shared everything is asked for in one call. Who finds nothing unusual goes by it, and the commit says whether
 * it still holds (INB-07).
 */
async function prepareShared(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  options: ReleasedOptions,
  deadline: ProcessDeadline,
  asksForRoom = false,
): Promise<PreparedOrResult> {
  const { channelId } = entry.channel;
  const seen = asksForRoom ? undefined : rememberedRoom(parts, entry, message, options);
  if (seen !== undefined) {
    const prepared = await normalise(parts, entry, message, options, seen, deadline);
    if (prepared.result === undefined) {
      prepared.pass.read = seen;
      prepared.pass.isRemembered = true;
    }
    return prepared;
  }
  const key = isEphemeral(message) ? undefined : message.idempotencyKey;
  if (options.roomId === undefined && isEphemeral(message)) return prepareSlowly(parts, entry, message, options, deadline);
  const routed: RoutedMessage = options.roomId === undefined ? await routeMessage(parts, entry, message) : { roomId: options.roomId };
  const { roomId } = routed;
  const arrival = roomId === null ? null : (routed.arrival ?? (await parts.store.loadArrival(roomId, key)));
  if (roomId === null || arrival === null || isOver(arrival.state.room) || !isBound(arrival.state, channelId)) {
    const loading = arrival === null ? undefined : Promise.resolve(arrival.state);
    return prepareSlowly(parts, entry, message, options, deadline, Promise.resolve(roomId), loading);
  }
  const state = checkState(parts, roomId, arrival.state);
  if (arrival.earlier !== null) return knownResult(parts, entry, message, arrival.earlier);
  const prepared = await normalise(parts, entry, message, options, state, deadline);
  if (prepared.result === undefined) prepared.pass.read = state;
  return prepared;
}

/**
 * The room as it was seen last, for a message of which nothing is made and about which nobody is asked before its commit, so that the
 * commit alone finds out what has changed, and whether its key is known (INB-07, INB-08).
 */
function rememberedRoom(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  { roomId, released }: ReleasedOptions,
): RoomState | undefined {
  const { store, hooks } = parts;
  const { channel } = entry;
  if (roomId === undefined || released !== undefined || store.knownRoom === undefined || !isPlainText(message)) return undefined;
  if (channel.parksDeliveries === true || resolvesSenders(parts, entry) || hooks.has('before_broadcast', roomId)) return undefined;
  const state = store.knownRoom(roomId);
  return state?.revision !== undefined && !isOver(state.room) && isBound(state, channel.channelId) ? state : undefined;
}

function isPlainText({ content, eventType = 'message' }: InboundMessage): boolean {
  return eventType === 'message' && (typeof content === 'string' || content.type === 'text');
}

async function routeMessage(parts: KitParts, entry: RegisteredChannel, message: InboundMessage): Promise<RoutedMessage> {
  const query = routeQuery(parts, entry, message);
  const { router } = parts;
  return router.routeArrival === undefined ? { roomId: await router.route(query) } : router.routeArrival(query);
}

async function prepareSlowly(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  options: ReleasedOptions,
  deadline: ProcessDeadline,
  /** What the quick way has begun: asked once, and waited for here. */
  routing?: Awaitable<string | null>,
  loading?: Promise<RoomState | null>,
): Promise<PreparedOrResult> {
  // 2. Room.
  const routed = options.roomId ?? routing ?? parts.router.route(routeQuery(parts, entry, message));
  const roomId = isPromise(routed) ? await routed : routed;
  // Somebody who only types, or reads, has said nothing that a room could begin with (INB-25).
  if (roomId === null && isEphemeral(message)) return { result: { ...HEARD, reason: 'no_room' } };
  // 3. New room, automatic attach.
  let state = roomId === null ? await createRoomForSender(parts, entry, message) : await (loading ?? parts.store.loadRoom(roomId));
  if (state === null && roomId !== null) state = await createRoomWithId(parts, roomId);
  state = checkState(parts, roomId ?? '', state);
  if (isOver(state.room)) {
    const earlier =
      message.idempotencyKey === undefined ? null : await parts.store.getEventByIdempotencyKey(message.idempotencyKey, { roomId: state.room.id });
    if (earlier === null) return { result: blockedResult('room_closed') };
  } else if (!isBound(state, entry.channel.channelId)) {
    if (isTombstoned(state.room, entry.channel.channelId)) return { result: blockedResult('channel_detached') };
    deadline.stage = 'attach';
    state = await attachOnArrival(parts, state, entry, message);
  }
  return normalise(parts, entry, message, options, state, deadline);
}

/** Step 8 in advance (INB-08): what came before needs nothing of what follows, and what is new stays so until somebody waits. */
function unlessKnown(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  options: ReleasedOptions,
  state: RoomState,
  deadline: ProcessDeadline,
): PreparedOrResult | Promise<PreparedOrResult> {
  const key = message.idempotencyKey;
  if (key === undefined || isEphemeral(message)) return normalise(parts, entry, message, options, state, deadline);
  const earlier = parts.store.getEventByIdempotencyKey(key, { roomId: state.room.id });
  if (earlier === null) return normalise(parts, entry, message, options, state, deadline);
  if (!isPromise(earlier)) return knownResult(parts, entry, message, earlier);
  return earlier.then((found) =>
    found === null ? normalise(parts, entry, message, options, state, deadline) : knownResult(parts, entry, message, found),
  );
}

function knownResult(parts: KitParts, entry: RegisteredChannel, message: InboundMessage, event: RoomEvent): Awaitable<PreparedOrResult> {
  const result = duplicateResult(parts, entry, message, event);
  return isPromise(result) ? result.then((settled) => ({ result: settled })) : { result };
}

/** 5. The channel's own form of the message becomes an event's. */
function normalise(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  options: ReleasedOptions,
  state: RoomState,
  deadline: ProcessDeadline,
  woken = false,
): PreparedOrResult | Promise<PreparedOrResult> {
  deadline.stage = 'handle_inbound';
  const channel = entry.channel;
  const roomId = state.room.id;
  if (isEphemeral(message)) {
    return publishInbound(parts, channel, message, roomId).then(() => ({ result: HEARD }));
  }
  // Whoever writes opens what was closed: what waited for that goes on first (OUT-17).
  if (channel.parksDeliveries === true && !woken) {
    return wakeParked(parts, roomId, channel.channelId, (work) => inRoom(parts, roomId, work)).then(() =>
      normalise(parts, entry, message, options, state, deadline, true),
    );
  }
  if (channel.handleInbound === undefined) {
    const draft: EventDraft = {
      type: message.eventType ?? 'message',
      source: {
        channelId: channel.channelId,
        channelType: channel.channelType,
        direction: 'inbound',
        participantId: message.senderId,
        rawPayload: frozenMap(message.rawPayload),
      },
      content: toContent(message.content),
    };
    return readTap(parts, entry, message, options, state, draft, deadline);
  }
  const handled = channel.handleInbound(message, new ArrivingContext(state, deadline));
  if (isPromise(handled)) return handled.then((draft) => readTap(parts, entry, message, options, state, draft, deadline));
  return readTap(parts, entry, message, options, state, handled, deadline);
}

/** A typed number or label of a button is its tap (§3.1). */
function readTap(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  options: ReleasedOptions,
  state: RoomState,
  draft: EventDraft,
  deadline: ProcessDeadline,
): PreparedOrResult | Promise<PreparedOrResult> {
  const read = typedTap(parts, state, draft, message.metadata);
  return isPromise(read)
    ? read.then((tapped) => findParent(parts, entry, message, options, state, tapped, deadline))
    : findParent(parts, entry, message, options, state, read, deadline);
}

/** What it quotes is its parent (INB-30). */
function findParent(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  options: ReleasedOptions,
  state: RoomState,
  draft: EventDraft,
  deadline: ProcessDeadline,
): PreparedOrResult | Promise<PreparedOrResult> {
  const placed = quotedParent(parts, state.room.id, message, draft);
  return isPromise(placed)
    ? placed.then((child) => identify(parts, entry, message, options, state, child, deadline))
    : identify(parts, entry, message, options, state, placed, deadline);
}

/** What a channel may know while it normalises a message; made of parts only when they are read. */
class ArrivingContext implements InboundContext {
  private view: RoomContext | undefined = undefined;

  constructor(
    private readonly state: RoomState,
    private readonly deadline: ProcessDeadline,
  ) {}

  get roomId(): string {
    return this.state.room.id;
  }
  get signal(): AbortSignal {
    return this.deadline.signal;
  }
  get context(): RoomContext {
    return (this.view ??= contextOf(this.state));
  }
}

/** 6. Who is it? */
function identify(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  options: ReleasedOptions,
  state: RoomState,
  draft: EventDraft,
  deadline: ProcessDeadline,
): PreparedOrResult | Promise<PreparedOrResult> {
  if (!resolvesSenders(parts, entry)) return { pass: passFor(message, state, draft, undefined) };
  if (typeof options.released === 'object') return { pass: passFor(message, state, draft, options.released) };
  const known = knownSender(entry, state, message.senderId);
  if (known === undefined) return findOut(parts, entry, message, options, state, draft, deadline);
  const still = isStillSender(parts, entry, state, known, message.senderId);
  const go = (isStill: boolean): PreparedOrResult | Promise<PreparedOrResult> =>
    isStill ? asKnown(parts, message, options, state, draft, known) : findOut(parts, entry, message, options, state, draft, deadline);
  return isPromise(still) ? still.then(go) : go(still);
}

/** From whom it came before. */
function asKnown(
  parts: KitParts,
  message: InboundMessage,
  options: ReleasedOptions,
  state: RoomState,
  draft: EventDraft,
  known: Participant,
): PreparedOrResult | Promise<PreparedOrResult> {
  const source = { ...draft.source, participantId: known.id };
  const prepared: Prepared = { pass: passFor(message, state, { ...draft, source }, undefined) };
  const released = options.released !== undefined ? undefined : releaseHeldFrom(parts, message, state);
  return isPromise(released) ? released.then(() => prepared) : prepared;
}

/** From whom it comes, as resolver and hooks say. */
async function findOut(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  options: ReleasedOptions,
  state: RoomState,
  draft: EventDraft,
  deadline: ProcessDeadline,
): Promise<PreparedOrResult> {
  deadline.stage = 'identity';
  const outcome = await resolveSender(parts, entry, message, draft, state);
  const { participant } = outcome;
  if (participant?.kind === 'identified' && options.released === undefined) await releaseHeldFrom(parts, message, state, participant);
  if (outcome.kind === 'stop') return { result: blockedResult(outcome.reason) };
  return { pass: passFor(message, state, draft, participant) };
}

/** The sender is known now: what was held for him comes before what he writes now, in the order he wrote it (IDN-11). */
function releaseHeldFrom(parts: KitParts, message: InboundMessage, state: RoomState, participant?: ParticipantDecision): Awaitable<unknown> {
  return releaseHeld(parts, 'challenge', challengeKey(message.channelId, message.senderId), (held, { roomId = state.room.id }) =>
    processReleased(parts, held, roomId, participant),
  );
}

function passFor(message: InboundMessage, state: RoomState, draft: EventDraft, participant: ParticipantDecision | undefined): PassInput {
  const given = draft.source;
  const source = Object.freeze(participant === undefined ? given : { ...given, participantId: participant.participantId });
  const content = typeof draft.content === 'string' || !Object.isFrozen(draft.content) ? toContent(draft.content) : draft.content;
  const visibility = draft.visibility ?? message.visibility ?? 'all';
  const said = draft.metadata ?? message.metadata;
  // A tap on an approval speaks to the kit: no agent is asked about it, whatever a router says of its supervisor (APR-07, BC-03).
  const isTap = tapOf(said) !== undefined;
  const metadata = isTap ? { ...said, _for_no_agent: true } : said;
  const addressedTo = isTap ? EMPTY_LIST : (draft.addressedTo ?? message.addressedTo);
  return {
    fields: {
      roomId: state.room.id,
      type: typeOf(content.type, draft.type ?? message.eventType),
      source,
      content,
      visibility,
      chainDepth: 0,
      metadata: frozenMap(metadata),
      channelData: draft.channelData === undefined ? EMPTY : Object.freeze(draft.channelData),
      parentEventId: draft.parentEventId ?? message.parentEventId,
      idempotencyKey: draft.idempotencyKey ?? message.idempotencyKey,
      addressedTo,
      responseVisibility: draft.responseVisibility ?? message.responseVisibility,
    },
    cascade: new Cascade(),
    origin: 'inbound',
    deadline: undefined,
    participant,
    reply: undefined,
    streams: undefined,
    streamErrorCode: undefined,
    message,
    startedAt: 0,
    span: undefined,
    newKey: undefined,
    read: undefined,
    isRemembered: undefined,
  };
}

/** An edit or delete is one by its content, whatever the message calls itself. */
export function typeOf(content: EventDraft['content']['type'], given: EventDraft['type']): NonNullable<EventDraft['type']> {
  if (content === 'edit' || content === 'delete') return content;
  return given === undefined || given === 'edit' || given === 'delete' ? 'message' : given;
}

/** Steps 17 and 18. At once when nothing is under way any more. */
function finish(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  outcome: PassOutcome,
  cascade: Cascade,
  options: InboundOptions,
): Awaitable<InboundResult> {
  switch (outcome.kind) {
    case 'duplicate':
      parts.counters.inbound.duplicate++;
      return duplicateResult(parts, entry, message, outcome.event);
    case 'refused':
    case 'dropped':
      parts.counters.inbound.blocked++;
      return blockedResult(outcome.reason ?? 'dropped');
    case 'blocked':
      parts.counters.inbound.blocked++;
      break;
    case 'committed':
      parts.counters.inbound.accepted++;
      break;
  }
  const tap = outcome.kind === 'committed' ? tapOf(outcome.event?.metadata) : undefined;
  if (tap !== undefined && outcome.event !== undefined) {
    const { event } = outcome;
    cascade.add(); // whoever waits for the message waits for what it decided
    void parts.tasks.run(() => answerTap(parts, event, tap).then(() => cascade.done()));
  }
  const externalId = outcome.event?.source.externalId ?? message.externalId;
  if (outcome.kind === 'committed' && (message.session !== undefined || externalId !== undefined)) {
    return finishSlowly(parts, entry, message, outcome, cascade, options, externalId);
  }
  const settled = isPatient(options) ? cascade.settled() : undefined;
  return settled === undefined ? new SettledResult(outcome, cascade) : settleThen(settled, outcome, cascade);
}

async function finishSlowly(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  outcome: PassOutcome,
  cascade: Cascade,
  options: InboundOptions,
  externalId: string | undefined,
): Promise<InboundResult> {
  if (message.session !== undefined) await connectSession(entry, message, outcome);
  if (externalId !== undefined) await applyPendingEdits(parts, entry, externalId, outcome.event);
  const settled = isPatient(options) ? cascade.settled() : undefined;
  return settled === undefined ? new SettledResult(outcome, cascade) : settleThen(settled, outcome, cascade);
}

function settleThen(settled: Promise<void>, outcome: PassOutcome, cascade: Cascade): Promise<InboundResult> {
  return settled.then(() => {
    const more = cascade.settled(); // something may have begun meanwhile
    return more === undefined ? new SettledResult(outcome, cascade) : settleThen(more, outcome, cascade);
  });
}

function isPatient(options: InboundOptions): boolean {
  return options.wait !== 'commit' && !isInsideCause();
}

async function connectSession(entry: RegisteredChannel, message: InboundMessage, outcome: PassOutcome): Promise<void> {
  const binding = outcome.state?.bindings.find((bound) => bound.channelId === message.channelId);
  if (binding !== undefined && outcome.event !== undefined) await entry.channel.connectSession?.(message.session, outcome.event.roomId, binding);
}

/** Edits and deletes that overtook their message are applied right after it (EDT-06). */
function applyPendingEdits(parts: KitParts, entry: RegisteredChannel, externalId: string, event: RoomEvent | undefined): Awaitable<unknown> {
  if (event?.type !== 'message') return undefined;
  const { roomId } = event;
  return releaseHeld(parts, 'edit', pendingKey(entry.channel.channelId, externalId), (held) =>
    processInbound(parts, held, { roomId, wait: 'commit' }),
  );
}

function duplicateResult(parts: KitParts, entry: RegisteredChannel, message: InboundMessage, event: RoomEvent | undefined): Awaitable<InboundResult> {
  const externalId = event?.source.externalId ?? message.externalId;
  // The first one may have been cut off before its edits were applied.
  const applying = externalId === undefined ? undefined : applyPendingEdits(parts, entry, externalId, event);
  return isPromise(applying) ? applying.then(() => firstResult(parts, event)) : firstResult(parts, event);
}

/** What the first one came to (INB-08). */
function firstResult(parts: KitParts, event: RoomEvent | undefined): Awaitable<InboundResult> {
  if (event === undefined) return { blocked: false, duplicate: true, deliveryResults: NO_RESULTS, turns: [] };
  if (event.status === 'blocked') {
    return { event, blocked: true, duplicate: true, reason: event.blockedBy ?? 'blocked', deliveryResults: NO_RESULTS, turns: [] };
  }
  const stored = parts.store.deliveryResults(event.roomId, [event.id]);
  return isPromise(stored) ? stored.then((results) => repeated(event, results.get(event.id))) : repeated(event, stored.get(event.id));
}

function repeated(event: RoomEvent, deliveryResults: InboundResult['deliveryResults'] = NO_RESULTS): InboundResult {
  return { event, blocked: false, duplicate: true, deliveryResults, turns: [] };
}

function timedOut(parts: KitParts, message: InboundMessage, error: ProcessTimeout, roomId: string | undefined): InboundResult {
  parts.logger.warn('A message was not processed in time; nothing was stored.', { channelId: message.channelId, stage: error.stage });
  if (parts.framework.has('process_timeout')) {
    parts.framework.emit('process_timeout', {
      channelId: message.channelId,
      ...(roomId !== undefined && { roomId }),
      data: { timeout_seconds: parts.limits.processTimeoutSeconds, stage: error.stage },
    });
  }
  return blockedResult('process_timeout');
}

/** What was settled without a pass. */
function counted(parts: KitParts, result: InboundResult): InboundResult {
  const { inbound } = parts.counters;
  if (result === HEARD) return result; // typing and the like are no messages
  if (result.duplicate) inbound.duplicate++;
  else if (result.blocked) inbound.blocked++;
  else inbound.accepted++;
  return result;
}

export function blockedResult(reason: string): InboundResult {
  return { blocked: true, duplicate: false, reason, deliveryResults: NO_RESULTS, turns: [] };
}

/** What `console.log` asks an object for. */
const inspect = Symbol.for('nodejs.util.inspect.custom');

/** The result of a pass; deliveries are put in a map when somebody asks for them. */
export class SettledResult implements InboundResult {
  readonly duplicate = false;
  readonly blocked: boolean;
  readonly event?: RoomEvent;
  readonly reason?: string;
  readonly turns: InboundResult['turns'];
  private readonly outcome: PassOutcome;

  constructor(outcome: PassOutcome, cascade: Cascade) {
    this.blocked = outcome.kind === 'blocked';
    if (outcome.event !== undefined) this.event = outcome.event;
    if (outcome.reason !== undefined) this.reason = outcome.reason;
    this.turns = cascade.turns;
    this.outcome = outcome;
  }

  get deliveryResults(): Readonly<Record<string, DeliveryResult>> {
    const results = this.outcome.broadcast?.results;
    if (results === undefined || results.length === 0) return NO_RESULTS;
    const map: Record<string, DeliveryResult> = {};
    for (const result of results) map[result.channelId] = result;
    return map;
  }

  /** The first failed turn's error. */
  get error(): InboundResult['error'] {
    return this.turns.find((turn) => turn.error !== undefined)?.error;
  }

  toJSON(): InboundResult {
    const error = this.error;
    return {
      ...(this.event !== undefined && { event: this.event }),
      blocked: this.blocked,
      duplicate: false,
      ...(this.reason !== undefined && { reason: this.reason }),
      deliveryResults: this.deliveryResults,
      turns: this.turns,
      ...(error !== undefined && { error }),
    };
  }

  [inspect](): InboundResult {
    return this.toJSON();
  }
}

function isOver({ status }: Room): boolean {
  return status === 'closed' || status === 'archived';
}

function isBound(state: RoomState, channelId: string): boolean {
  return bindingOf(state, channelId) !== undefined;
}

/** Where the message would go if it came now; null for a new room. */
export function roomOf(parts: KitParts, message: InboundMessage): Awaitable<string | null> {
  return parts.router.route(routeQuery(parts, parts.channels.require(message.channelId), message));
}

function routeQuery(parts: KitParts, entry: RegisteredChannel, message: InboundMessage): Parameters<KitParts['router']['route']>[0] {
  return {
    channelId: message.channelId,
    channelType: entry.channel.channelType,
    senderId: message.senderId,
    address: entry.channel.recipientOf?.(message) ?? message.senderId,
    message,
    organizationId: parts.options.organizationId,
    providerName: entry.channel.providerName,
    ...(entry.channel.roomPerThread === true && { roomPerThread: true }),
  };
}

function checkMessage(message: InboundMessage): void {
  if (message === null || typeof message !== 'object') {
    throw new ValidationError('kit.processInbound needs a message: { channelId, senderId, content }.');
  }
  if (typeof message.senderId !== 'string') {
    throw new ValidationError(
      `senderId of a message on channel '${String(message.channelId)}' is ${typeof message.senderId}; give a string ('' when nobody is known).`,
    );
  }
  checkAddress(message.addressedTo);
}
