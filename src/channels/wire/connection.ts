/**
 * The server's side of one authenticated browser connection (behaviour §32), free of any transport: text in, text out.
 * A client becomes a connection of its WebSocket channel; an operator gets the host's view instead.
 */
import type { Clock, Timer } from '../../core/clock.js';
import type { RoomKit } from '../../core/kit.js';
import type { Logger } from '../../core/logger.js';
import type { InboundMessage, InboundResult } from '../../core/models/delivery.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { Participant } from '../../core/models/people.js';
import { isPromise, type Awaitable } from '../../core/models/json.js';
import type { ConnectionOptions } from '../websocket/connection.js';
import type { ConnectionFrame, Shared, StreamFrame } from '../websocket/frames.js';
import type { WebSocketChannel } from '../websocket.js';
import { Backlog } from './backlog.js';
import { changedText, ephemeralText, eventText, namesOf, streamText, wireEvent, type NameOf } from './event.js';
import { FrameRate } from './frame-rate.js';
import { WIRE_LIMITS, type ClientFrame, type ServerFrame } from './frames.js';
import { HostView } from './host-view.js';
import { OpenSends, outcomeText, type OpenSend } from './open-sends.js';
import { parseClientFrame } from './parse.js';
import { noRoom, refusalOf, unread, type Refusal } from './refusal.js';

/** What of a kit a connection uses. What is optional makes more visible: connections as framework events, changes for hosts. */
export type WireKit = Pick<
  RoomKit,
  | 'processInbound'
  | 'readVisible'
  | 'getRoom'
  | 'getEvent'
  | 'getTimeline'
  | 'listBindings'
  | 'listParticipants'
  | 'listRooms'
  | 'publishTyping'
  | 'publishPresence'
  | 'publishReadReceipt'
  | 'publishReaction'
  | 'markRead'
  | 'onCommitted'
  | 'subscribeRoom'
  | 'unsubscribeRoom'
> &
  Partial<
    Pick<RoomKit, 'connectWebsocket' | 'disconnectWebsocket' | 'ensureParticipant' | 'on' | 'hook' | 'onReply' | 'followRoom' | 'onRoomsChanged'>
  >;

/** Who is at the other end, as the server has found out. Nothing of it is ever taken from a frame (AUTH-03). */
export interface WirePrincipal {
  readonly kind: 'client' | 'host';
  /** Rooms it may enter; undefined: all. */
  readonly rooms?: readonly string[] | undefined;
  /** Whom a client speaks as. */
  readonly participantId?: string | undefined;
  /** The name its participant gets in rooms where it has none yet. */
  readonly displayName?: string | undefined;
  readonly canWrite: boolean;
}

/** One socket: who is at its other end, and how to write to it. */
export interface WireConnectionOptions {
  /** Names it in its channel. */
  readonly id: string;
  /** The kit it speaks to. */
  readonly kit: WireKit;
  /** Who is at its other end. */
  readonly principal: WirePrincipal;
  /** The channel a client speaks through; hosts have none. */
  readonly channel?: WebSocketChannel | undefined;
  /** The kit's, as a rule. */
  readonly clock: Clock;
  /** The kit's, as a rule. */
  readonly logger: Logger;
  /** Writes one text frame. */
  readonly send: (text: string) => void;
  /** Closes the socket, with a code and a reason (WIRE-13). */
  readonly close: (code: number, reason: string) => void;
  /** Bytes that the socket has not taken yet (WS-04). */
  readonly buffered: () => number;
  /** Whether the client wants previews of replies; default true. */
  readonly streams?: boolean | undefined;
  /** A frame `auth` came: the server renews or closes (WIRE-12). The frames after it wait, since they may need the new token. */
  readonly renew?: ((token: string) => Awaitable<void>) | undefined;
  /** Asked at every frame that names a room; false: the room is not there for this caller any more (AUTH-05). */
  readonly allowed?: (roomId: string) => Awaitable<boolean>;
  /**
   * Whether a room is there for this caller and this channel in it, by one look: asked, instead of `allowed`, at frames that speak
   * in a room the client does not hear. Default: `allowed`, and the kit's bindings.
   */
  readonly bound?: (roomId: string, channelId: string) => Awaitable<boolean>;
}

const MAX_FRAME_UNITS = 1024 * 1024;
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
/** Frames that wait while one before them is being judged. */
const MAX_WAITING_FRAMES = 200;
const TYPING_MS = 6000;
/** After this the acknowledgement no longer waits for its place in the sequence. */
const ACKNOWLEDGE_MS = 5000;

/** Speaks the browser wire protocol over any transport of texts: hand it what comes in, it calls `send` and `close`. */
export class WireConnection {
  /** The rooms this client hears, with the names of those in them. */
  readonly #rooms = new Map<string, NameOf>();
  readonly #sends = new OpenSends();
  /** Of rooms whose subscription does not replay: the newest index at its beginning. */
  readonly #beginnings = new Map<string, number>();
  /** Rooms this client types in, each until it ends by itself. */
  readonly #typing = new Map<string, { readonly timer: Timer; readonly stop: () => void }>();
  readonly #timers = new Set<Timer>();
  readonly #rate: FrameRate;
  readonly #backlog: Backlog;
  readonly #host: HostView | undefined;
  /** As whom this connection speaks, as long as it may. */
  readonly #speaker: Speaker | undefined;
  /** The judging of earlier frames, while it takes time. */
  #earlier: Promise<void> | undefined;
  #waitingFrames = 0;
  #closed = false;

  constructor(private readonly options: WireConnectionOptions) {
    const { clock, principal, kit, logger, channel } = options;
    this.#rate = new FrameRate(clock);
    this.#backlog = new Backlog(clock, options.buffered);
    if (principal.kind === 'client' && channel !== undefined && principal.participantId !== undefined)
      this.#speaker = { kit, channelId: channel.channelId, participantId: principal.participantId };
    if (principal.kind === 'host') {
      this.#host = new HostView({ kit, clock, logger, send: (frame) => void this.#send(frame), relief: () => this.#backlog.relief() });
    } else {
      this.#join();
    }
  }

  /** Rooms this connection hears. */
  get roomCount(): number {
    return this.#host?.roomCount ?? this.#rooms.size;
  }

  /** One text frame of the client. */
  onText(text: string): void {
    if (this.#closed) return;
    if (text.length > MAX_FRAME_UNITS) {
      this.close(1009, 'too_large');
      return;
    }
    const inTime = this.#rate.take();
    const parsed = parseClientFrame(text);
    if (!inTime) {
      this.#tooMany('frame' in parsed ? parsed.frame : undefined);
    } else if ('error' in parsed) {
      this.#refuse({ code: parsed.error, message: parsed.message, retryable: false, ...(parsed.id !== undefined && { id: parsed.id }) });
    } else {
      this.#inTurn(parsed.frame);
    }
  }

  /** The socket is gone, or shall go: everything of this connection is forgotten. Idempotent. */
  close(code?: number, reason = ''): void {
    if (this.#closed) return;
    // Typing ends with the connection (WIRE-10).
    for (const { timer, stop } of [...this.#typing.values()]) {
      timer.cancel();
      stop();
    }
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#rooms.clear();
    this.#host?.close();
    this.#backlog.close();
    this.#leave();
    if (code !== undefined) this.options.close(code, reason);
  }

  /** A room was lost to this client, or could not be read for the moment: only that subscription ends (WIRE-12). */
  loseRoom(roomId: string, why?: 'unread'): void {
    const hadIt = this.#rooms.delete(roomId) || this.#host?.unsubscribe(roomId) === true;
    if (!hadIt) return;
    this.options.channel?.unsubscribe(this.options.id, roomId);
    this.#refuse(why === 'unread' ? unread(roomId) : noRoom(roomId));
  }

  // --- the channel's side --------------------------------------------------------------------------------------------

  #join(): void {
    const { channel, id, kit, principal, streams } = this.options;
    if (channel === undefined) return;
    const send = (frame: ConnectionFrame, shared: Shared): unknown => this.#onFrame(frame, shared);
    const connection: ConnectionOptions = {
      ...(streams !== false && { streamSend: (frame: StreamFrame, shared: Shared) => this.#write(shared.form(frame, streamText)) }),
      ...(principal.participantId !== undefined && { participantId: principal.participantId }),
      ephemeral: (event, shared) => this.#write(shared.form(event, ephemeralText)),
      changed: (event, change) =>
        this.#write(
          change === 'updated'
            ? changedText(event, this.#rooms.get(event.roomId))
            : frameText({ type: 'event_removed', roomId: event.roomId, eventId: event.id }),
        ),
      roomLost: (roomId, why) => this.loseRoom(roomId, why),
      ended: (reason) => (reason === 'channel_closed' ? this.close(1012, 'closing') : this.close(1013, 'slow_consumer')),
    };
    if (kit.connectWebsocket === undefined) channel.registerConnection(id, send, connection);
    else kit.connectWebsocket(channel.channelId, id, send, connection).catch(() => this.close(1012, 'closing'));
  }

  #leave(): void {
    const { channel, id, kit, logger } = this.options;
    if (channel === undefined || !channel.hasConnection(id)) return;
    if (kit.disconnectWebsocket === undefined) channel.unregisterConnection(id);
    else
      kit
        .disconnectWebsocket(channel.channelId, id)
        .catch((error: unknown) => logger.debug('A connection could not be taken off its channel.', { error }));
  }

  #onFrame(frame: ConnectionFrame, shared: Shared): Awaitable<void> {
    if (frame.type === 'resync') return this.#write(frameText(frame));
    const { event, roomId, prev } = frame;
    if (this.#sends.size > 0) {
      for (const passed of this.#sends.takePassed(roomId, event.index)) void this.#acknowledge(passed.id, passed.event);
      const own = event.source.channelId === this.options.channel?.channelId ? this.#sends.takeByEvent(event) : undefined;
      if (own !== undefined)
        return this.#write(outcomeText(own.id, roomId, COMMITTED, eventText(frame, shared, this.#rooms.get(roomId)).event, prev));
    }
    return this.#write(eventText(frame, shared, this.#rooms.get(roomId)).frame);
  }

  // --- frames of the client ------------------------------------------------------------------------------------------

  /** Frames are judged in the order they came, also when judging one takes time. */
  #inTurn(frame: ClientFrame): void {
    if (this.#earlier === undefined) {
      const judging = this.#judge(frame);
      if (isPromise(judging)) this.#waitFor(judging);
      return;
    }
    if (this.#waitingFrames >= MAX_WAITING_FRAMES) {
      this.#refuse({ code: 'busy', message: 'Too many frames wait for an earlier one.', retryable: true, retryAfterSeconds: 1, ...idOf(frame) });
      return;
    }
    this.#waitFor(this.#earlier.then(() => this.#judge(frame)));
  }

  #waitFor(judging: Promise<void>): void {
    this.#waitingFrames++;
    const done = judging.then(() => {
      this.#waitingFrames--;
      if (this.#earlier === done) this.#earlier = undefined;
    });
    this.#earlier = done;
  }

  /** Does what a frame asks for. A promise is over when the next frame may be looked at; it never rejects. */
  #judge(frame: ClientFrame): Awaitable<void> {
    if (this.#closed) return;
    switch (frame.type) {
      case 'ping':
        this.#send({ type: 'pong', t: frame.t });
        return;
      case 'auth':
        return this.options.renew?.(frame.token);
      case 'hello':
        this.#refuse({ code: 'invalid', message: 'hello was said already.', retryable: false });
        return;
      case 'unsubscribe':
        this.#rooms.delete(frame.roomId);
        this.options.channel?.unsubscribe(this.options.id, frame.roomId);
        this.#host?.unsubscribe(frame.roomId);
        this.#send({ type: 'unsubscribed', id: frame.id, roomId: frame.roomId });
        return;
      case 'subscribe':
        return this.#inRoom(frame, () => this.#subscribe(frame));
      case 'send':
      case 'typing':
      case 'receipt':
      case 'reaction':
        return this.#speaking(frame);
      case 'presence': {
        const speaker = this.#speakerOf(frame);
        if (speaker === undefined) return;
        for (const roomId of this.#rooms.keys())
          this.#tell(speaker.kit.publishPresence(roomId, speaker.participantId, frame.status, speaker.channelId));
        return;
      }
    }
  }

  /** What speaks in a room: at once when nobody has to be waited for, and without a closure, since most frames are of this kind. */
  #speaking(frame: SpeakingFrame): Awaitable<void> {
    const speaker = this.#speakerOf(frame);
    if (speaker === undefined) return;
    try {
      const may = this.#maySpeak(speaker, frame.roomId);
      if (!isPromise(may)) return this.#speak(speaker, frame, may);
      return may.then((granted) => this.#speak(speaker, frame, granted)).catch((error: unknown) => this.#refuseError(error, frame));
    } catch (error) {
      this.#refuseError(error, frame);
    }
  }

  /** Speaking never attaches the channel to a room it is not in, and who is not in a room does not type there either. */
  #maySpeak({ kit, channelId }: Speaker, roomId: string): Awaitable<boolean> {
    const { bound } = this.options;
    if (this.#rooms.has(roomId)) return this.#allowed(roomId);
    if (bound !== undefined) return bound(roomId, channelId);
    const isBound = async (): Promise<boolean> => (await kit.listBindings(roomId)).some((binding) => binding.channelId === channelId);
    const allowed = this.#allowed(roomId);
    return isPromise(allowed) ? allowed.then((granted) => granted && isBound()) : allowed && isBound();
  }

  #speak(speaker: Speaker, frame: SpeakingFrame, granted: boolean): void {
    if (this.#closed) return;
    if (!granted) {
      this.#outside(frame);
      return;
    }
    const { kit, channelId, participantId } = speaker;
    switch (frame.type) {
      case 'send':
        this.#onSend(speaker, frame);
        return;
      case 'typing':
        this.#onTyping(speaker, frame.roomId, frame.on);
        return;
      case 'receipt':
        this.#onReceipt(speaker, frame.roomId, frame.eventId);
        return;
      case 'reaction':
        this.#tell(kit.publishReaction(frame.roomId, participantId, frame.eventId, frame.emoji, frame.action, channelId));
        return;
    }
  }

  /** The room is not there for this caller: an earlier subscription to it ends, too (WIRE-12). */
  #outside(frame: Extract<ClientFrame, { roomId: string }>): void {
    this.#rooms.delete(frame.roomId);
    this.options.channel?.unsubscribe(this.options.id, frame.roomId);
    this.#host?.unsubscribe(frame.roomId);
    this.#refuse({ ...noRoom(frame.roomId), ...idOf(frame) });
  }

  /** Runs `work` when the room is there for this caller, and says what went wrong. */
  #inRoom(frame: Extract<ClientFrame, { roomId: string }>, work: () => Awaitable<void>): Awaitable<void> {
    const attempt = (allowed: boolean): Awaitable<void> => {
      if (this.#closed) return;
      return allowed ? work() : this.#outside(frame);
    };
    const failed = (error: unknown): void => this.#refuseError(error, frame);
    try {
      const allowed = this.#allowed(frame.roomId);
      const done = isPromise(allowed) ? allowed.then(attempt) : attempt(allowed);
      return isPromise(done) ? done.catch(failed) : undefined;
    } catch (error) {
      failed(error);
    }
  }

  #allowed(roomId: string): Awaitable<boolean> {
    const { principal, allowed } = this.options;
    if (this.#host !== undefined && roomId === '*') return true;
    if (principal.rooms !== undefined && !principal.rooms.includes(roomId)) return false;
    return allowed?.(roomId) ?? true;
  }

  async #subscribe(frame: Extract<ClientFrame, { type: 'subscribe' }>): Promise<void> {
    const { kit, channel, id } = this.options;
    const { roomId, afterIndex, as } = frame;
    if (this.#host !== undefined) {
      await this.#host.subscribe(frame);
      return;
    }
    if (channel === undefined) return;
    if (as !== undefined && as !== channel.channelId) {
      this.#refuse({ id: frame.id, code: 'forbidden', message: 'A client sees what its own channel may see.', retryable: false });
      return;
    }
    const bindings = await kit.listBindings(roomId);
    if (!bindings.some((binding) => binding.channelId === channel.channelId)) {
      this.#refuse({ ...noRoom(roomId), id: frame.id });
      return;
    }
    const names = namesOf(await this.#introduce(roomId, channel.channelId));
    if (this.#closed) return;
    this.#rooms.set(roomId, names);
    const live = channel.subscribe(id, roomId, {
      follow: true,
      ...(afterIndex !== undefined && { afterIndex }),
      started: (latestIndex) => {
        this.#send({ type: 'subscribed', id: frame.id, roomId, latestIndex });
        if (afterIndex === undefined || afterIndex > latestIndex) this.#beginsAfter(roomId, latestIndex);
        else this.#beginnings.delete(roomId);
      },
    });
    // The replay goes on by itself; what the client says next need not wait for it.
    live.catch((error: unknown) => {
      if (this.#rooms.get(roomId) === names) this.#rooms.delete(roomId);
      this.#refuseError(error, frame);
    });
  }

  /** What was committed up to here is not told again: sends of it have no place in the sequence, and are answered without one. */
  #beginsAfter(roomId: string, latestIndex: number): void {
    this.#beginnings.set(roomId, latestIndex);
    for (const passed of this.#sends.takePassed(roomId, latestIndex + 1)) void this.#acknowledge(passed.id, passed.event);
  }

  /** Who is in a room; a client with a name of its own joins them by it. */
  async #introduce(roomId: string, channelId: string): Promise<readonly Participant[]> {
    const { kit, principal } = this.options;
    const { participantId, displayName } = principal;
    const participants = await kit.listParticipants(roomId);
    if (participantId === undefined || displayName === undefined || kit.ensureParticipant === undefined) return participants;
    if (participants.some(({ id }) => id === participantId)) return participants;
    return [...participants, await kit.ensureParticipant(roomId, channelId, participantId, { displayName })];
  }

  #onSend({ kit, channelId, participantId }: Speaker, frame: Extract<ClientFrame, { type: 'send' }>): void {
    const { id, roomId } = frame;
    const key = `${participantId}:${id}`;
    if (this.#sends.has(key, roomId)) return; // the same again, while the first is open: one answer serves both
    if (this.#sends.size >= WIRE_LIMITS.openSends) {
      this.#refuse({
        id,
        code: 'busy',
        message: `At most ${WIRE_LIMITS.openSends} messages may wait for their acknowledgement.`,
        retryable: true,
        retryAfterSeconds: 1,
      });
      return;
    }
    const message: { -readonly [Name in keyof InboundMessage]: InboundMessage[Name] } = {
      channelId,
      senderId: participantId,
      content: frame.content,
      idempotencyKey: key,
    };
    if (frame.parentEventId !== undefined) message.parentEventId = frame.parentEventId;
    if (frame.metadata !== undefined) message.metadata = frame.metadata;
    const open: OpenSend = { id, key, roomId, committed: undefined };
    this.#sends.add(open);
    // The kit keeps the order of one sender's messages in a room (INB-27); they are handed over in the order they came.
    kit.processInbound(message, { roomId, wait: 'commit' }).then(
      (result) => this.#onResult(open, result),
      (error: unknown) => {
        if (this.#sends.take(open)) this.#refuseError(error, frame);
      },
    );
  }

  #onResult(open: OpenSend, result: InboundResult): void {
    const { id, roomId } = open;
    const { event } = result;
    if (this.#closed || !this.#sends.isOpen(open)) return; // answered in its place already
    if (result.blocked || result.duplicate || event === undefined) {
      this.#sends.take(open);
      const shown = result.blocked || event === undefined ? undefined : JSON.stringify(wireEvent(event, this.#rooms.get(roomId)));
      void this.#write(outcomeText(id, roomId, result, shown));
      return;
    }
    const { channel } = this.options;
    if (this.#rooms.has(roomId) && channel?.echo === true && event.index > (this.#beginnings.get(roomId) ?? -1)) {
      this.#sends.await(open, event);
      const timer = this.options.clock.setTimer(ACKNOWLEDGE_MS, () => {
        this.#timers.delete(timer);
        // Its place never came: what is not delivered to this channel is not in the sequence either.
        if (this.#sends.take(open)) void this.#acknowledge(id, event);
      });
      this.#timers.add(timer);
      return;
    }
    this.#sends.take(open);
    if (!this.#rooms.has(roomId) || channel === undefined) {
      void this.#acknowledge(id, event);
      return;
    }
    // The channel is not told what it says itself: the store knows the place.
    this.options.kit.readVisible(roomId, channel.channelId, { afterIndex: event.index - 1, limit: 1 }).then(
      ({ prev }) => this.#acknowledge(id, event, prev),
      () => this.#acknowledge(id, event),
    );
  }

  #acknowledge(id: string, event: RoomEvent, prev?: number): Awaitable<void> {
    return this.#write(outcomeText(id, event.roomId, COMMITTED, JSON.stringify(wireEvent(event, this.#rooms.get(event.roomId))), prev));
  }

  #onTyping(speaker: Speaker, roomId: string, on: boolean): void {
    this.#typing.get(roomId)?.timer.cancel();
    this.#typing.delete(roomId);
    const tell = (isTyping: boolean): void => this.#tell(speaker.kit.publishTyping(roomId, speaker.participantId, isTyping, speaker.channelId));
    if (on) {
      const stop = (): void => {
        this.#typing.delete(roomId);
        tell(false);
      };
      this.#typing.set(roomId, { timer: this.options.clock.setTimer(TYPING_MS, stop), stop });
    }
    tell(on);
  }

  #onReceipt({ kit, channelId, participantId }: Speaker, roomId: string, eventId: string): void {
    this.#tell(kit.markRead(roomId, channelId, eventId).then(() => kit.publishReadReceipt(roomId, participantId, eventId, channelId)));
  }

  // --- rights and answers --------------------------------------------------------------------------------------------

  /** As whom this connection speaks; refuses the frame when it may not. */
  #speakerOf(frame: ClientFrame): Speaker | undefined {
    if (this.#speaker === undefined) {
      this.#refuse({
        code: 'forbidden',
        message: 'Speaking takes a channel and a participant: connect with a client token.',
        retryable: false,
        ...idOf(frame),
      });
      return undefined;
    }
    if (this.options.principal.canWrite) return this.#speaker;
    this.#refuse({ code: 'forbidden', message: 'This token may only read.', retryable: false, ...idOf(frame) });
    return undefined;
  }

  /** Ephemeral frames have no answer (WIRE-10). */
  #tell(telling: Promise<unknown>): void {
    telling.catch((error: unknown) => this.options.logger.debug('An ephemeral frame was lost.', { error }));
  }

  #tooMany(frame: ClientFrame | undefined): void {
    // Typing that is too much is dropped without a word, and a flood of whatever is ended.
    if (this.#rate.surplus()) {
      this.close(1008, 'rate_limited');
      return;
    }
    if (frame?.type === 'typing') return;
    this.#refuse({
      code: 'rate_limited',
      message: 'Too many frames. Slow down.',
      retryable: true,
      retryAfterSeconds: 1,
      ...(frame !== undefined && idOf(frame)),
    });
  }

  #refuseError(error: unknown, frame: ClientFrame): void {
    const refusal = refusalOf(error);
    if (refusal.code === 'internal') this.options.logger.error('A frame could not be handled.', { type: frame.type, error });
    this.#refuse({ ...refusal, ...idOf(frame), ...(refusal.code === 'room_not_found' && 'roomId' in frame && { roomId: frame.roomId }) });
  }

  #refuse(refusal: Refusal): void {
    this.#send({ type: 'error', ...refusal });
    if (REFUSED_FOR_WHAT_IT_IS.has(refusal.code) && this.#rate.refused()) this.close(1008, refusal.code);
  }

  #send(frame: ServerFrame): void {
    void this.#write(frameText(frame));
  }

  /** A promise while the socket is backed up: the channel holds back then. */
  #write(text: string): Awaitable<void> {
    if (this.#closed) return;
    const buffered = this.options.buffered();
    if (buffered > MAX_BUFFERED_BYTES) {
      this.close(1013, 'slow_consumer');
      return;
    }
    this.options.send(text);
    return this.#backlog.relief(buffered + text.length);
  }
}

type SpeakingFrame = Extract<ClientFrame, { type: 'send' | 'typing' | 'receipt' | 'reaction' }>;

interface Speaker {
  readonly kit: WireKit;
  readonly channelId: string;
  readonly participantId: string;
}

const COMMITTED = { blocked: false, duplicate: false } as const;
/** Ten of these within ten seconds are no mistake (WIRE-03). */
const REFUSED_FOR_WHAT_IT_IS: ReadonlySet<string> = new Set(['invalid', 'unknown_type', 'forbidden', 'too_large']);

function idOf(frame: ClientFrame): { id?: string } {
  return 'id' in frame ? { id: frame.id } : {};
}

function frameText(frame: ServerFrame): string {
  return JSON.stringify(frame);
}
