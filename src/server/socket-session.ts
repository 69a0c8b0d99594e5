/**
 * One socket from its upgrade to its end: it waits for a hello, finds out who speaks, says welcome, and from then on hands
 * every frame to the wire connection. It also keeps the token's time (WIRE-02, WIRE-03, WIRE-12, WIRE-13).
 */
import { parseClientFrame, WIRE_LIMITS, WIRE_VERSION, type ServerFrame, type WireConnection } from '../channels/index.js';
import { RoomKitError, type Timer } from '../core/index.js';
import { isPromise } from '../core/models/json.js';
import { mayReachRoom } from './access.js';
import { isClient, type Principal } from './auth/principal.js';
import { MAX_FRAME_BYTES, MAX_HELLO_BYTES } from './limits.js';
import type { ServerParts } from './parts.js';
import { Refusal } from './problem.js';
import type { Admission } from './sockets.js';
import { openLine, wireCaller } from './wire-line.js';

/** What a transport gives for one socket. */
export interface ServerSocket {
  send(text: string): void;
  /** Begins the closing handshake. */
  close(code: number, reason: string): void;
  /** Ends it without one. */
  terminate(): void;
  ping(): void;
  /** Bytes that were sent and not taken by the network yet. */
  bufferedBytes(): number;
}

/** A message as the transport has it: its size is known before it is made text. */
export interface RawMessage {
  readonly byteLength: number;
  toString(): string;
}

const EXPIRING_MS = 60_000;
const MAX_MISSED_BEATS = 2;
const MAX_REFUSED = 10;
const REFUSED_WINDOW_MS = 10_000;
const MAX_REASON_LENGTH = 120;

export class SocketSession {
  #state: 'waiting' | 'admitting' | 'open' | 'ended' = 'waiting';
  #connection: WireConnection | undefined;
  #principal: Principal | undefined;
  #missedBeats = 0;
  #bytesBeforeWelcome = 0;
  #timer: Timer | undefined;
  /** Times at which frames were refused for their size. */
  #tooLarge: number[] | undefined;

  constructor(
    private readonly parts: ServerParts,
    private readonly socket: ServerSocket,
    private readonly admission: Admission,
    private readonly onEnded: (session: SocketSession) => void,
  ) {
    this.#timer = parts.kit.clock.setTimer(parts.limits.helloSeconds * 1000, () => this.end(1008, 'hello_timeout'));
  }

  /** Whether a hello is still awaited: the transport counts bytes until then. */
  get isWaiting(): boolean {
    return this.#state === 'waiting' || this.#state === 'admitting';
  }

  /** Bytes that arrived before the welcome; more than a hello ever has end the socket before they are put together. */
  onBytes(count: number): void {
    this.#bytesBeforeWelcome += count;
    if (this.isWaiting && this.#bytesBeforeWelcome > MAX_HELLO_BYTES + FRAMING_BYTES) this.end(1008, 'hello_timeout');
  }

  onMessage(message: RawMessage, isBinary: boolean): void {
    this.#missedBeats = 0;
    if (this.#connection !== undefined) {
      if (isBinary) this.end(1003, 'binary');
      else if (message.byteLength > this.parts.limits.maxFrameBytes) this.#refuseSize(message.byteLength);
      else this.#connection.onText(message.toString());
      return;
    }
    if (this.#state === 'ended') return;
    if (isBinary) this.end(1003, 'binary');
    else if (this.#state === 'admitting') this.end(1008, 'unauthenticated');
    else if (message.byteLength > MAX_HELLO_BYTES) this.end(1008, 'hello_timeout');
    else this.#onHello(message.toString());
  }

  /** A sign of life; also the moment to see whether a client who only listens still may. */
  onPong(): void {
    this.#missedBeats = 0;
    this.#leaveLostRooms();
  }

  /** The socket is gone. */
  onClose(): void {
    if (this.#state === 'ended') return;
    this.#leave();
  }

  /** Asks for a life sign; who gave none to the last two is gone (WIRE-11). */
  beat(): void {
    if (this.#state !== 'open') return;
    if (this.#missedBeats >= MAX_MISSED_BEATS) {
      this.terminate();
      return;
    }
    this.#missedBeats++;
    this.socket.ping();
  }

  sayGoodbye(reason: string, reconnectAfterMs: number): void {
    if (this.#state === 'open') this.#send({ type: 'goodbye', reason, reconnectAfterMs });
    this.end(1012, reason);
  }

  /** Closes with a code; nothing that still arrives is looked at. */
  end(code: number, reason: string): void {
    if (this.#state === 'ended') return;
    this.#leave();
    this.socket.close(code, reason.slice(0, MAX_REASON_LENGTH));
  }

  terminate(): void {
    if (this.#state !== 'ended') this.#leave();
    this.socket.terminate();
  }

  // --- becoming somebody ---------------------------------------------------------------------------------------------

  #onHello(text: string): void {
    const parsed = parseClientFrame(text);
    if ('error' in parsed || parsed.frame.type !== 'hello') {
      this.end(1008, 'unauthenticated');
      return;
    }
    const { version, token, streams } = parsed.frame;
    if (version !== WIRE_VERSION) {
      this.end(1008, 'invalid');
      return;
    }
    this.#state = 'admitting';
    this.#admit(token)
      .then((principal) => this.#welcome(principal, streams !== false))
      .catch((error: unknown) => this.#refuse(error));
  }

  /** A token in the hello counts more than what the upgrade showed: it says on whose behalf this socket speaks. */
  async #admit(token: string | undefined): Promise<Principal> {
    const { principal, addressKey, url } = this.admission;
    if (token !== undefined) return this.parts.gate.admitToken(token, addressKey, url);
    if (principal === null) throw new Refusal('unauthenticated', 'The hello holds no token.');
    return principal;
  }

  #welcome(principal: Principal, streams: boolean): void {
    if (this.#state !== 'admitting') return;
    const caller = wireCaller(this.parts, principal);
    const { kit, limits } = this.parts;
    const id = kit.ids.next();
    this.#state = 'open';
    this.admission.release();
    this.#timer?.cancel();
    this.#send({
      type: 'welcome',
      version: WIRE_VERSION,
      connectionId: id,
      ...(caller.kind === 'client' && { channelId: caller.channelId, participantId: caller.participantId }),
      ...(principal.expiresAt !== undefined && { expiresAt: principal.expiresAt }),
      limits: { ...WIRE_LIMITS, frameBytes: limits.maxFrameBytes },
      heartbeatSeconds: limits.heartbeatSeconds,
    });
    this.#hold(principal);
    this.#connection = openLine(this.parts, caller, () => this.#principal ?? principal, {
      id,
      streams,
      send: (text) => this.socket.send(text),
      close: (code, reason) => this.end(code, reason),
      buffered: () => this.socket.bufferedBytes(),
      renew: (token) => this.#renew(token),
    });
  }

  // --- keeping its time ----------------------------------------------------------------------------------------------

  /** From now on this is who speaks, until it expires. */
  #hold(principal: Principal): void {
    this.#principal = principal;
    this.#timer?.cancel();
    this.#timer = undefined;
    const { expiresAt } = principal;
    if (expiresAt === undefined) return;
    const { clock } = this.parts.kit;
    const leftMs = Date.parse(expiresAt) - clock.now();
    const expire = (): void => this.end(1008, 'token_expired');
    if (leftMs <= EXPIRING_MS) {
      this.#timer = clock.setTimer(leftMs, expire);
      return;
    }
    this.#timer = clock.setTimer(leftMs - EXPIRING_MS, () => {
      this.#send({ type: 'token_expiring', expiresAt });
      this.#timer = clock.setTimer(EXPIRING_MS, expire);
    });
  }

  /** A new token for the same channel and participant; any other ends the socket (WIRE-12). Never rejects. */
  #renew(token: string): Promise<void> {
    return this.parts.gate
      .admitToken(token, this.admission.addressKey, this.admission.url)
      .then((renewed) => {
        const old = this.#principal;
        if (this.#state !== 'open' || old === undefined) return;
        if (!isSamePerson(old, renewed)) {
          this.end(1008, 'unauthenticated');
          return;
        }
        this.#hold(renewed);
        for (const roomId of old.rooms ?? []) if (renewed.rooms?.includes(roomId) !== true) this.#connection?.loseRoom(roomId);
      })
      .catch((error: unknown) => this.#refuse(error));
  }

  /** Who was shown out of a room, or whose room is gone, hears no more of it (WIRE-12). */
  #leaveLostRooms(): void {
    const connection = this.#connection;
    const principal = this.#principal;
    if (connection === undefined || principal === undefined || !isClient(principal) || connection.roomCount === 0) return;
    const { kit } = this.parts;
    for (const roomId of principal.rooms) {
      const may = mayReachRoom(kit, principal, roomId);
      if (may === false) connection.loseRoom(roomId);
      else if (isPromise(may)) {
        may.then(
          (granted) => granted || connection.loseRoom(roomId),
          (error: unknown) => kit.logger.warn('Whether a client still belongs in its room could not be seen; it is asked again.', { error }),
        );
      }
    }
  }

  #refuse(error: unknown): void {
    const code = error instanceof RoomKitError ? error.code : 'internal';
    if (code === 'internal') this.parts.kit.logger.error('A socket could not be admitted.', { error });
    this.end(code === 'internal' ? 1011 : 1008, code);
  }

  /** Too large for a frame of a client, small enough to have been read: refused, and ten of these are too many (WIRE-03). */
  #refuseSize(bytes: number): void {
    const { maxFrameBytes } = this.parts.limits;
    this.#send({
      type: 'error',
      code: 'too_large',
      message: `The frame has ${bytes} bytes; at most ${maxFrameBytes} are taken, and above ${MAX_FRAME_BYTES} the connection ends.`,
      retryable: false,
    });
    const now = this.parts.kit.clock.monotonic();
    this.#tooLarge = [...(this.#tooLarge ?? []).filter((at) => at > now - REFUSED_WINDOW_MS), now];
    if (this.#tooLarge.length >= MAX_REFUSED) this.end(1008, 'too_large');
  }

  #leave(): void {
    this.#state = 'ended';
    this.#timer?.cancel();
    this.admission.release();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close();
    this.onEnded(this);
  }

  #send(frame: ServerFrame): void {
    this.socket.send(JSON.stringify(frame));
  }
}

/** The same person on the same channel: a new token may change the rooms and the time, and nothing else. */
function isSamePerson(old: Principal, renewed: Principal): boolean {
  return (
    isClient(old) &&
    isClient(renewed) &&
    old.channelId === renewed.channelId &&
    old.participantId === renewed.participantId &&
    old.organizationId === renewed.organizationId
  );
}

/** Headers of the frames a hello comes in, and a few pongs. */
const FRAMING_BYTES = 512;
