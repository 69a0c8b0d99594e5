/**
 * The server's side of one authenticated browser connection (behaviour §32), free of any transport: text in, text out.
 * Rooms, sends, previews and ephemeral events of a client; for operators the view of the host.
 */
import type { Clock, InboundMessage, InboundResult, Logger, RoomEvent, Timer } from '../../core/index.js';
import { RoomKitError, TokenBuckets } from '../../core/index.js';
import type { RoomKit } from '../../core/index.js';
import type { ConnectionFrame } from '../websocket/connection.js';
import type { StreamFrame } from '../websocket/stream.js';
import type { WebSocketChannel } from '../websocket.js';
import { eventFrameText, eventText } from './event.js';
import { WIRE_LIMITS, type ClientFrame, type ServerFrame, type WireErrorCode } from './frames.js';
import { HostView } from './host-view.js';
import { parseClientFrame } from './parse.js';

/** What of a kit a connection uses. */
export type WireKit = Pick<
  RoomKit,
  | 'processInbound' | 'readVisible' | 'getRoom' | 'getEvent' | 'getTimeline' | 'listBindings' | 'listParticipants' | 'listRooms'
  | 'publishTyping' | 'publishPresence' | 'publishReadReceipt' | 'publishReaction' | 'markRead' | 'onCommitted' | 'subscribeRoom' | 'unsubscribeRoom'
>;

/** Who is at the other end, as the server has found out. Nothing of it is ever taken from a frame (AUTH-03). */
export interface WirePrincipal {
  readonly kind: 'client' | 'host';
  /** Rooms a client may enter; undefined: all. */
  readonly rooms?: readonly string[];
  readonly participantId?: string;
  readonly canWrite: boolean;
}

export interface WireConnectionOptions {
  readonly id: string;
  readonly kit: WireKit;
  readonly principal: WirePrincipal;
  /** The channel a client speaks through; hosts have none. */
  readonly channel?: WebSocketChannel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly send: (text: string) => void;
  readonly close: (code: number, reason: string) => void;
  /** Bytes that the socket has not taken yet; above `maxBuffered` the connection is a slow consumer (WS-04). */
  readonly buffered: () => number;
  /** Whether the client wants previews of replies; default true. */
  readonly streams?: boolean;
  /** A frame `auth` came: the server renews or closes (WIRE-12). */
  readonly renew?: (token: string) => void;
  /** Checked at every frame: false ends the connection (AUTH-05). */
  readonly allowed?: (roomId: string) => Promise<boolean> | boolean;
}

const MAX_BUFFERED = 16 * 1024 * 1024;
const TYPING_MS = 6000;
const MAX_REFUSED = 10;
const REFUSED_WINDOW_MS = 10_000;

interface Subscription {
  /** Index of the last event this client was given. */
  last: number;
  /** Events that came before the answer to `subscribe` was out. */
  early: (() => void)[] | undefined;
}

export class WireConnection {
  readonly #rooms = new Map<string, Subscription>();
  /** Sends on their way, by idempotency key. */
  readonly #sends = new Map<string, { readonly id: string; acknowledged: boolean }>();
  readonly #typing = new Map<string, Timer>();
  readonly #lastSend = new Map<string, Promise<unknown>>();
  readonly #frames: TokenBuckets;
  readonly #refusals: number[] = [];
  #host: HostView | undefined;
  #closed = false;

  constructor(private readonly options: WireConnectionOptions) {
    this.#frames = new TokenBuckets({ maxPerSecond: WIRE_LIMITS.framesPerSecond, burst: WIRE_LIMITS.burst }, options.clock);
    const { channel, principal } = options;
    if (principal.kind === 'host') {
      this.#host = new HostView(options.kit, options.clock, options.logger, (frame) => this.#send(frame));
    } else if (channel !== undefined) {
      void channel.registerConnection(options.id, (frame) => this.#onFrame(frame), {
        ...(options.streams !== false && { streamSend: (frame) => this.#onStream(frame) }),
        ...(principal.participantId !== undefined && { participantId: principal.participantId }),
        state: () => (this.#closed ? 'closing' : 'open'),
        ephemeral: (event) => this.#send({ type: 'ephemeral', roomId: event.roomId, event }),
        changed: (event, change) => this.#onChanged(event, change),
        acknowledges: (event) => this.#acknowledge(event),
        dropped: (reason) => this.close(reason === 'closed' ? 1012 : 1013, reason === 'closed' ? 'closing' : 'slow_consumer'),
      });
    }
  }

  /** Rooms this connection is in, for counting. */
  get roomCount(): number {
    return this.#rooms.size;
  }

  /** One text frame of the client. */
  onText(text: string): void {
    if (this.#closed) return;
    if (!this.#frames.tryTake()) {
      // Typing that is too much is dropped without a word.
      if (!text.startsWith('{"type":"typing"')) this.#refuse({ code: 'rate_limited', message: 'Too many frames; slow down.', retryable: true, retryAfterSeconds: 1 });
      return;
    }
    const parsed = parseClientFrame(text);
    if ('error' in parsed) {
      this.#refuse({ code: parsed.error, message: parsed.message, retryable: false, ...(parsed.id !== undefined && { id: parsed.id }) });
      return;
    }
    this.#onClientFrame(parsed.frame);
  }

  /** The socket is gone, or shall go: everything of this connection is forgotten. */
  close(code?: number, reason = ''): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const [roomId, timer] of this.#typing) {
      timer.cancel();
      this.#publishTyping(roomId, false);
    }
    this.#typing.clear();
    this.options.channel?.unregisterConnection(this.options.id);
    this.#host?.close();
    if (code !== undefined) this.options.close(code, reason);
  }

  // --- frames of the client ------------------------------------------------------------------------------------------

  #onClientFrame(frame: ClientFrame): void {
    switch (frame.type) {
      case 'ping':
        this.#send({ type: 'pong', t: frame.t });
        return;
      case 'auth':
        this.options.renew?.(frame.token);
        return;
      case 'hello':
        this.#refuse({ code: 'invalid', message: 'hello was said already.', retryable: false });
        return;
      case 'subscribe':
        this.#run(frame, () => this.#subscribe(frame));
        return;
      case 'unsubscribe':
        this.#rooms.delete(frame.roomId);
        this.options.channel?.unsubscribe(this.options.id, frame.roomId);
        this.#host?.unsubscribe(frame.roomId);
        this.#send({ type: 'unsubscribed', id: frame.id, roomId: frame.roomId });
        return;
      case 'send':
        this.#onSend(frame);
        return;
      case 'typing':
        if (this.#canWriteTo(frame.roomId)) this.#onTyping(frame.roomId, frame.on);
        return;
      case 'receipt':
        if (this.#canWriteTo(frame.roomId)) this.#run(undefined, () => this.#onReceipt(frame.roomId, frame.eventId));
        return;
      case 'reaction':
        if (this.#canWriteTo(frame.roomId)) {
          const { kit, principal, channel } = this.options;
          const { roomId, eventId, emoji, action } = frame;
          this.#run(undefined, () => kit.publishReaction(roomId, principal.participantId ?? '', eventId, emoji, action, channel?.channelId));
        }
        return;
      case 'presence': {
        const { kit, principal, channel } = this.options;
        if (!principal.canWrite || principal.participantId === undefined) return;
        const { participantId } = principal;
        for (const roomId of this.#rooms.keys()) this.#run(undefined, () => kit.publishPresence(roomId, participantId, frame.status, channel?.channelId));
        return;
      }
    }
  }

  async #subscribe(frame: Extract<ClientFrame, { type: 'subscribe' }>): Promise<void> {
    const { kit, channel, id } = this.options;
    const { roomId, afterIndex } = frame;
    if (this.#host !== undefined) {
      await this.#host.subscribe(frame);
      return;
    }
    if (channel === undefined || !(await this.#mayEnter(roomId))) throw new WireRefusal('room_not_found', `There is no room '${roomId}' for you.`);
    // From here on live events queue behind the answer; what is older is read from the store.
    const subscription: Subscription = { last: afterIndex ?? -1, early: [] };
    this.#rooms.set(roomId, subscription);
    const room = await kit.getRoom(roomId);
    if (afterIndex === undefined) {
      const page = await kit.readVisible(roomId, channel.channelId, { afterIndex: room.latestIndex, limit: 1 });
      subscription.last = page.prev;
      await channel.subscribe(id, roomId);
      // What was committed between the two reads is replayed, so that nothing falls between.
      const missed = await kit.readVisible(roomId, channel.channelId, { afterIndex: room.latestIndex, limit: WIRE_LIMITS.replay });
      this.#send({ type: 'subscribed', id: frame.id, roomId, latestIndex: room.latestIndex });
      this.#flush(subscription, missed.events);
      return;
    }
    this.#send({ type: 'subscribed', id: frame.id, roomId, latestIndex: room.latestIndex });
    // `prev` of the first replayed event is what the client may have seen last, which is at most what it says it has.
    const before = await kit.readVisible(roomId, channel.channelId, { afterIndex, limit: 0 });
    subscription.last = before.prev;
    subscription.early = undefined;
    await channel.subscribe(id, roomId, { afterIndex });
  }

  /** Gives out what was missed, then what came meanwhile. */
  #flush(subscription: Subscription, missed: readonly RoomEvent[]): void {
    const early = subscription.early ?? [];
    subscription.early = undefined;
    for (const event of missed) this.#giveEvent(event, subscription);
    for (const give of early) give();
  }

  #onSend(frame: Extract<ClientFrame, { type: 'send' }>): void {
    const { principal, channel } = this.options;
    if (channel === undefined || principal.kind === 'host') {
      this.#refuse({ id: frame.id, code: 'forbidden', message: 'A message needs a channel and a participant: use a client token.', retryable: false });
      return;
    }
    if (!principal.canWrite) {
      this.#refuse({ id: frame.id, code: 'forbidden', message: 'This token may only read.', retryable: false });
      return;
    }
    if (this.#sends.size >= WIRE_LIMITS.openSends) {
      this.#refuse({ id: frame.id, code: 'busy', message: `At most ${WIRE_LIMITS.openSends} sends may wait for their acknowledgement.`, retryable: true, retryAfterSeconds: 1 });
      return;
    }
    const key = `${principal.participantId ?? ''}:${frame.id}`;
    const open = { id: frame.id, acknowledged: false };
    this.#sends.set(key, open);
    // Sends of one connection and room commit in the order they arrive (WIRE-07).
    const before = this.#lastSend.get(frame.roomId);
    const sending = this.#process(frame, key, open, before);
    this.#lastSend.set(frame.roomId, sending);
    void sending.then(() => {
      this.#sends.delete(key);
      if (this.#lastSend.get(frame.roomId) === sending) this.#lastSend.delete(frame.roomId);
    });
  }

  async #process(frame: Extract<ClientFrame, { type: 'send' }>, key: string, open: { readonly id: string; acknowledged: boolean }, before: Promise<unknown> | undefined): Promise<void> {
    const { kit, principal, channel } = this.options;
    const { id, roomId } = frame;
    try {
      if (before !== undefined) await before;
      if (!this.#rooms.has(roomId) && !(await this.#mayEnter(roomId))) throw new WireRefusal('room_not_found', `There is no room '${roomId}' for you.`);
      if (channel === undefined) return;
      const message: InboundMessage = {
        channelId: channel.channelId,
        senderId: principal.participantId ?? '',
        content: frame.content,
        idempotencyKey: key,
        ...(frame.parentEventId !== undefined && { parentEventId: frame.parentEventId }),
        ...(frame.metadata !== undefined && { metadata: frame.metadata }),
      };
      const result = await kit.processInbound(message, { roomId, wait: 'commit' });
      await this.#answer(id, roomId, result, open);
    } catch (error) {
      this.#refuseError(error, id);
    }
  }

  /** The acknowledgement of a committed send comes in the event's own place (WIRE-07); everything else is answered here. */
  async #answer(id: string, roomId: string, result: InboundResult, open: { acknowledged: boolean }): Promise<void> {
    if (open.acknowledged) return;
    const { event } = result;
    if (result.blocked || event === undefined) {
      if (result.reason === 'room_closed') throw new WireRefusal('room_closed', `Room '${roomId}' is closed.`);
      this.#send({ type: 'ack', id, roomId, blocked: true, ...(result.reason !== undefined && { reason: result.reason }), ...(result.duplicate && { duplicate: true }) });
      return;
    }
    if (result.duplicate) {
      this.#sendText(`{"type":"ack","id":${JSON.stringify(id)},"roomId":${JSON.stringify(roomId)},"duplicate":true,"event":${eventText(event)}}`);
      return;
    }
    const subscribed = this.#rooms.has(roomId);
    const { channel, kit } = this.options;
    const binding = (await kit.listBindings(roomId)).find((bound) => bound.channelId === channel?.channelId);
    const comesBack = subscribed && channel?.echo === true && (binding?.access === 'read_write' || binding?.access === 'read_only') && binding.direction !== 'outbound';
    // In its lane it is on its way to `acknowledges`, in order.
    if (comesBack || open.acknowledged) return;
    open.acknowledged = true;
    const subscription = this.#rooms.get(roomId);
    const prev = subscription === undefined || event.index <= subscription.last ? '' : `"prev":${subscription.last},`;
    if (subscription !== undefined && event.index > subscription.last) subscription.last = event.index;
    this.#sendText(`{"type":"ack","id":${JSON.stringify(id)},"roomId":${JSON.stringify(roomId)},${prev}"event":${eventText(event)}}`);
  }

  /** Our own event in its lane: true when it was one of our sends (WS-10). */
  #acknowledge(event: RoomEvent): boolean {
    const open = event.idempotencyKey === undefined ? undefined : this.#sends.get(event.idempotencyKey);
    const subscription = this.#rooms.get(event.roomId);
    if (open === undefined || open.acknowledged || subscription === undefined) return false;
    open.acknowledged = true;
    const give = (): void => {
      const { last } = subscription;
      subscription.last = event.index;
      this.#sendText(`{"type":"ack","id":${JSON.stringify(open.id)},"roomId":${JSON.stringify(event.roomId)},"prev":${last},"event":${eventText(event)}}`);
    };
    if (subscription.early !== undefined) subscription.early.push(give);
    else give();
    return true;
  }

  #onTyping(roomId: string, on: boolean): void {
    this.#typing.get(roomId)?.cancel();
    this.#typing.delete(roomId);
    if (on) {
      // Typing ends by itself without renewal (WIRE-10).
      this.#typing.set(
        roomId,
        this.options.clock.setTimer(TYPING_MS, () => {
          this.#typing.delete(roomId);
          this.#publishTyping(roomId, false);
        }),
      );
    }
    this.#publishTyping(roomId, on);
  }

  #publishTyping(roomId: string, on: boolean): void {
    const { kit, principal, channel } = this.options;
    this.#run(undefined, () => kit.publishTyping(roomId, principal.participantId ?? '', on, channel?.channelId));
  }

  async #onReceipt(roomId: string, eventId: string): Promise<void> {
    const { kit, principal, channel } = this.options;
    if (channel === undefined) return;
    await kit.markRead(roomId, channel.channelId, eventId);
    await kit.publishReadReceipt(roomId, principal.participantId ?? '', eventId, channel.channelId);
  }

  // --- what the channel hands on -------------------------------------------------------------------------------------

  #onFrame(frame: ConnectionFrame): void {
    const subscription = this.#rooms.get(frame.roomId);
    if (subscription === undefined) return;
    if (frame.type === 'resync') {
      this.#send({ type: 'resync', roomId: frame.roomId, fromIndex: frame.fromIndex });
      return;
    }
    const give = (): void => this.#giveEvent(frame.event, subscription);
    if (subscription.early !== undefined) subscription.early.push(give);
    else give();
  }

  #giveEvent(event: RoomEvent, subscription: Subscription): void {
    if (event.index <= subscription.last) return;
    const prev = subscription.last;
    subscription.last = event.index;
    this.#sendText(eventFrameText(event, prev));
  }

  #onStream(frame: StreamFrame): void {
    const subscription = this.#rooms.get(frame.roomId);
    if (subscription === undefined) return;
    const { roomId, streamId } = frame;
    switch (frame.type) {
      case 'stream_start': {
        const { channelId, channelType, participantId } = frame.source;
        this.#send({ type: 'stream_start', roomId, streamId, source: { channelId, channelType, ...(participantId !== undefined && { participantId }) } });
        return;
      }
      case 'stream_chunk':
        this.#sendText(chunkText(frame));
        return;
      case 'stream_end':
      case 'stream_error': {
        const { event } = frame;
        const fresh = event !== undefined && event.index > subscription.last && event.status !== 'blocked';
        const prev = subscription.last;
        if (fresh) subscription.last = event.index;
        const place = fresh ? `,"prev":${prev},"event":${eventText(event)}` : '';
        const code = frame.type === 'stream_error' ? `,"code":${JSON.stringify(frame.code)}` : '';
        this.#sendText(`{"type":"${frame.type}","roomId":${JSON.stringify(roomId)},"streamId":${JSON.stringify(streamId)}${code}${place}}`);
        return;
      }
    }
  }

  #onChanged(event: RoomEvent, change: 'updated' | 'deleted'): void {
    if (!this.#rooms.has(event.roomId)) return;
    const roomId = JSON.stringify(event.roomId);
    if (change === 'deleted') this.#sendText(`{"type":"event_removed","roomId":${roomId},"eventId":${JSON.stringify(event.id)}}`);
    else this.#sendText(`{"type":"event_changed","roomId":${roomId},"event":${eventText(event)}}`);
  }

  // --- rights, answers -----------------------------------------------------------------------------------------------

  async #mayEnter(roomId: string): Promise<boolean> {
    const { principal, allowed, kit, channel } = this.options;
    if (principal.rooms !== undefined && !principal.rooms.includes(roomId)) return false;
    if (allowed !== undefined && !(await allowed(roomId))) return false;
    try {
      const bindings = await kit.listBindings(roomId);
      return bindings.some((binding) => binding.channelId === channel?.channelId);
    } catch {
      return false; // not there, or not ours: the same answer (AUTH-09)
    }
  }

  #canWriteTo(roomId: string): boolean {
    const { principal } = this.options;
    return principal.canWrite && principal.kind === 'client' && this.#rooms.has(roomId);
  }

  /** A room was lost to this client: only that subscription ends (WIRE-12). */
  loseRoom(roomId: string): void {
    if (!this.#rooms.delete(roomId)) return;
    this.options.channel?.unsubscribe(this.options.id, roomId);
    this.#send({ type: 'error', roomId, code: 'room_not_found', message: `Room '${roomId}' is not there for you any more.`, retryable: false });
  }

  #run(frame: { readonly id: string } | undefined, work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#refuseError(error, frame?.id));
  }

  #refuseError(error: unknown, id: string | undefined): void {
    const refusal = refusalOf(error);
    if (refusal.code === 'internal') this.options.logger.error('A frame could not be handled.', { error });
    this.#refuse({ ...refusal, ...(id !== undefined && { id }) });
  }

  #refuse(refusal: { id?: string; code: WireErrorCode; message: string; retryable: boolean; retryAfterSeconds?: number }): void {
    this.#send({ type: 'error', ...refusal });
    if (refusal.code === 'room_not_found' || refusal.code === 'internal' || refusal.code === 'busy') return;
    const now = this.options.clock.monotonic();
    this.#refusals.push(now);
    while ((this.#refusals[0] ?? now) < now - REFUSED_WINDOW_MS) this.#refusals.shift();
    if (this.#refusals.length >= MAX_REFUSED) this.close(1008, refusal.code);
  }

  #send(frame: ServerFrame): void {
    this.#sendText(JSON.stringify(frame));
  }

  #sendText(text: string): void {
    if (this.#closed) return;
    if (this.options.buffered() > MAX_BUFFERED) {
      this.close(1013, 'slow_consumer');
      return;
    }
    this.options.send(text);
  }
}

class WireRefusal extends Error {
  constructor(
    readonly code: WireErrorCode,
    message: string,
  ) {
    super(message);
  }
}

function refusalOf(error: unknown): { code: WireErrorCode; message: string; retryable: boolean } {
  if (error instanceof WireRefusal) return { code: error.code, message: error.message, retryable: false };
  if (error instanceof RoomKitError) {
    if (error.code === 'room_not_found' || error.code === 'room_closed' || error.code === 'invalid') return { code: error.code, message: error.message, retryable: false };
    if (error.code === 'channel_not_found') return { code: 'room_not_found', message: 'There is no such room for you.', retryable: false };
    return { code: 'internal', message: 'The frame could not be handled. Try again.', retryable: error.retryable };
  }
  return { code: 'internal', message: 'The frame could not be handled. Try again.', retryable: true };
}

let lastChunk: { frame: StreamFrame | undefined; text: string } = { frame: undefined, text: '' };

/** A chunk's text is the same for everybody who watches. */
function chunkText(frame: Extract<StreamFrame, { type: 'stream_chunk' }>): string {
  if (lastChunk.frame === frame) return lastChunk.text;
  const { roomId, streamId, delta, offset } = frame;
  const text = JSON.stringify({ type: 'stream_chunk', roomId, streamId, delta, offset });
  lastChunk = { frame, text };
  return text;
}

