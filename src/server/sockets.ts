/**
 * Every socket of a server, free of any transport: who may open one, who still waits for its hello, who is connected, and
 * the heartbeat of all of them (WIRE-01, WIRE-02, WIRE-11). A socket itself is in socket-session.ts.
 */
import { SUBPROTOCOL } from '../channels/index.js';
import type { Timer } from '../core/index.js';
import type { Peer } from './auth/address.js';
import type { Principal } from './auth/principal.js';
import type { ServerParts } from './parts.js';
import { Refusal } from './problem.js';
import { SocketSession, type ServerSocket } from './socket-session.js';

/** A place among the waiting, taken before anything else is done for a socket. */
export interface Admission {
  readonly principal: Principal | null;
  readonly addressKey: string;
  /** Where it was opened. */
  readonly url: string;
  /** Gives the place back; idempotent. */
  release(): void;
}

/** How long clients are asked to stay away when the server closes; spread, so that they do not all come back at once. */
const RECONNECT_MS = 500;
const RECONNECT_SPREAD_MS = 2000;

export class Sockets {
  readonly #sessions = new Set<SocketSession>();
  readonly #waitingByAddress = new Map<string, number>();
  #waiting = 0;
  #heartbeat: Timer | undefined;
  #closed = false;

  constructor(private readonly parts: ServerParts) {}

  /** Sockets that are open, the waiting ones included. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Sockets and upgrades that have not been welcomed. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Judges an upgrade before it happens: origin, subprotocol, room among the waiting, then who asks. Throws what the upgrade
   * is refused with.
   */
  async admit(request: Request, peer: Peer | undefined): Promise<Admission> {
    if (this.#closed) throw new Refusal('not_ready', 'The server is closing.', { retryAfterSeconds: 1 });
    const { gate } = this.parts;
    const url = new URL(request.url);
    gate.judgeOrigin(request, url, peer);
    const offered = (request.headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
    if (!offered.includes(SUBPROTOCOL)) throw new Refusal('invalid', `Offer the subprotocol '${SUBPROTOCOL}': new WebSocket(url, '${SUBPROTOCOL}').`);
    const addressKey = gate.addressKeyOf(request, peer);
    const release = this.#takePlace(addressKey);
    try {
      return { principal: await gate.admitSocket(request, url, peer), addressKey, url: url.href, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Takes over a socket that was upgraded under this admission. */
  open(socket: ServerSocket, admission: Admission): SocketSession {
    const session = new SocketSession(this.parts, socket, admission, (ended) => this.#sessions.delete(ended));
    if (this.#closed) session.end(1012, 'closing');
    else this.#sessions.add(session);
    this.#heartbeat ??= this.#beatLater();
    return session;
  }

  /** Says goodbye to everybody; their sockets close with 1012 (WIRE-13). Idempotent. */
  close(): void {
    this.#closed = true;
    this.#heartbeat?.cancel();
    let position = 0;
    for (const session of [...this.#sessions]) {
      session.sayGoodbye('closing', RECONNECT_MS + ((position++ * 97) % RECONNECT_SPREAD_MS));
    }
  }

  /** Ends what did not close by itself. */
  terminate(): void {
    for (const session of [...this.#sessions]) session.terminate();
  }

  #takePlace(addressKey: string): () => void {
    const { maxWaitingSockets, maxWaitingPerAddress } = this.parts.limits;
    const ofAddress = this.#waitingByAddress.get(addressKey) ?? 0;
    if (ofAddress >= maxWaitingPerAddress)
      throw new Refusal('rate_limited', 'Too many sockets of this address have not said hello.', { retryAfterSeconds: 5 });
    if (this.#waiting >= maxWaitingSockets) throw new Refusal('not_ready', 'Too many sockets have not said hello.', { retryAfterSeconds: 5 });
    this.#waiting++;
    this.#waitingByAddress.set(addressKey, ofAddress + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#waiting--;
      const left = (this.#waitingByAddress.get(addressKey) ?? 1) - 1;
      if (left === 0) this.#waitingByAddress.delete(addressKey);
      else this.#waitingByAddress.set(addressKey, left);
    };
  }

  /** One timer for all sockets; none while there are none. */
  #beatLater(): Timer {
    return this.parts.kit.clock.setTimer(this.parts.limits.heartbeatSeconds * 1000, () => {
      for (const session of [...this.#sessions]) session.beat();
      this.#heartbeat = this.#sessions.size > 0 && !this.#closed ? this.#beatLater() : undefined;
    });
  }
}
