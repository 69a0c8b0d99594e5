/**
 * The connection: it opens a socket, says hello, keeps it alive, renews its token, and comes back when it is lost (WIRE-02,
 * WIRE-08, WIRE-11 … WIRE-13). What the frames mean is for others to know.
 */
import type { ClientFrame, ServerFrame } from '../channels/index.js';
import type { Credentials } from './credentials.js';
import { asClientError, ClientError } from './errors.js';
import type { ClientSettings, ClientSocket } from './options.js';
import { Pace } from './pace.js';

/**
 * `idle` before it is needed, `connecting` until it was open once, `reconnecting` when it was lost, `closed` by `close()` or
 * because the server does not want this client.
 */
export type ConnectionStatus = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed';

/** How a client stands to its server. A new object whenever something changes. */
export interface Connection {
  readonly status: ConnectionStatus;
  /** Why it is closed, or why the last attempt failed, where that is known. */
  readonly error?: ClientError;
  /** When the next attempt comes, in milliseconds since the epoch. */
  readonly retryAt?: number;
  /** Whom the client speaks as; absent for hosts. */
  readonly participantId?: string;
  /** The channel it speaks through; absent for hosts. */
  readonly channelId?: string;
}

export type Welcome = Extract<ServerFrame, { type: 'welcome' }>;

export interface LineOwner {
  welcomed(welcome: Welcome): void;
  frame(frame: ServerFrame): void;
  /** An open connection is gone. */
  lost(): void;
  changed(connection: Connection): void;
  failed(error: ClientError): void;
}

const SUBPROTOCOL = 'roomkit.v1';
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** A connection that held this long was a good one: the next retry is quick again. */
const GOOD_MS = 5000;
/** From asking for a token to the welcome. */
const ATTEMPT_MS = 15_000;
const SILENCE_MS = 35_000;
const PONG_MS = 5000;
const RENEWAL_RETRY_MS = 10_000;
/** A hello that came too late, a host who could not be asked, an address that has to wait: the token was not judged (WIRE-13). */
const SAYS_NOTHING_OF_TOKENS: ReadonlySet<string> = new Set(['hello_timeout', 'auth_unavailable', 'rate_limited']);
/** So many tokens in a row that were refused at once mean that none will do. */
const MAX_REFUSALS = 2;

export class Line {
  connection: Connection = { status: 'idle' };
  #socket: ClientSocket | undefined;
  /** Counts attempts: what belongs to an earlier one is not looked at. */
  #attempt = 0;
  #wasOpen = false;
  #openedAt = 0;
  #heardAt = 0;
  #retryMs = FIRST_RETRY_MS;
  #goodbyeMs: number | undefined;
  #refusals = 0;
  #frameBytes = 0;
  /** The next thing that happens by itself: an attempt, its deadline, or a look whether the server lives. */
  #timer: { cancel(): void } | undefined;
  #renewal: { cancel(): void } | undefined;
  /** Whom the last welcome named. */
  #who: Pick<Connection, 'participantId' | 'channelId'> = {};
  readonly #pace: Pace;

  constructor(
    private readonly settings: ClientSettings,
    private readonly credentials: Credentials,
    private readonly owner: LineOwner,
  ) {
    this.#pace = new Pace(settings.clock, (text) => this.#write(text));
  }

  get isOpen(): boolean {
    return this.connection.status === 'open';
  }

  /** Largest frame the server takes, in bytes. */
  get frameBytes(): number {
    return this.#frameBytes;
  }

  /** Connects, or tries now instead of later. */
  connect(): void {
    const { status, retryAt } = this.connection;
    if (status === 'open' || (retryAt === undefined && status !== 'idle' && status !== 'closed')) return;
    if (status === 'closed') this.#refusals = 0;
    void this.#open();
  }

  /** The network or the page came back: no waiting, and no trust in a connection that was quiet. */
  wake(): void {
    if (this.connection.retryAt !== undefined) {
      this.#retryMs = FIRST_RETRY_MS;
      this.connect();
    } else if (this.isOpen && this.settings.clock.monotonic() - this.#heardAt > PONG_MS) this.#askForLife();
  }

  /** Sends in turn; while there is no connection nothing is sent. */
  send(frame: ClientFrame, isDroppable = false): void {
    if (this.isOpen) this.#pace.push(JSON.stringify(frame), isDroppable);
  }

  close(error?: ClientError): void {
    this.#leave(1000);
    this.#wasOpen = false;
    this.#retryMs = FIRST_RETRY_MS;
    this.#set({ status: 'closed', ...(error !== undefined && { error }) });
  }

  // --- becoming open -------------------------------------------------------------------------------------------------

  async #open(): Promise<void> {
    const attempt = ++this.#attempt;
    this.#after(ATTEMPT_MS, () => this.#lose(new ClientError('timeout', 'The server did not answer in time.', { retryable: true })));
    this.#set({ status: this.#wasOpen ? 'reconnecting' : 'connecting' });
    let token: string | undefined;
    try {
      token = await this.credentials.renew();
    } catch (error) {
      if (attempt !== this.#attempt) return;
      const failure = asClientError(error, 'token_failed', 'The token function failed');
      this.owner.failed(failure);
      this.#lose(failure);
      return;
    }
    if (attempt !== this.#attempt) return;
    try {
      this.#attach(new this.settings.WebSocket(this.settings.socketUrl, SUBPROTOCOL), token);
    } catch (error) {
      this.#giveUp(new ClientError('invalid', `No socket can be opened to ${this.settings.socketUrl}. Check the url.`, { cause: error }));
    }
  }

  #attach(socket: ClientSocket, token: string | undefined): void {
    this.#socket = socket;
    const whileOurs = <Event>(listener: (event: Event) => void) => {
      return (event: Event): void => {
        if (this.#socket === socket) listener(event);
      };
    };
    socket.onopen = whileOurs(() => this.#write(JSON.stringify(hello(token, this.settings.streams))));
    socket.onmessage = whileOurs(({ data }: { data: unknown }) => this.#receive(data));
    socket.onclose = whileOurs(({ code, reason }: { code: number; reason: string }) => this.#onClose(code, reason));
    socket.onerror = () => undefined; // the close that follows says all there is to know
  }

  // --- being open ----------------------------------------------------------------------------------------------------

  #receive(data: unknown): void {
    this.#heardAt = this.settings.clock.monotonic();
    const frame = parse(data);
    if (frame === undefined) return;
    switch (frame.type) {
      case 'welcome':
        this.#onWelcome(frame);
        return;
      case 'pong':
        return;
      case 'goodbye':
        this.#goodbyeMs = frame.reconnectAfterMs;
        return;
      case 'token_expiring':
        this.#renew();
        return;
      default:
        if (this.isOpen) this.owner.frame(frame);
    }
  }

  #onWelcome(welcome: Welcome): void {
    if (this.isOpen) return;
    const { participantId, channelId, limits } = welcome;
    this.#wasOpen = true;
    this.#refusals = 0;
    this.#openedAt = this.#heardAt;
    this.#frameBytes = limits.frameBytes;
    this.#pace.begin(limits);
    this.#watchForSilence();
    this.#who = { ...(participantId !== undefined && { participantId }), ...(channelId !== undefined && { channelId }) };
    this.#set({ status: 'open' });
    this.owner.welcomed(welcome);
  }

  /** For the same person, in the same connection (WIRE-12). A string cannot be renewed: the connection ends with it. */
  #renew(): void {
    if (!this.credentials.isRenewable) return;
    const attempt = this.#attempt;
    this.credentials.renew().then(
      (token) => {
        if (attempt === this.#attempt && token !== undefined) this.send({ type: 'auth', token });
      },
      (error: unknown) => {
        if (attempt !== this.#attempt) return;
        this.owner.failed(asClientError(error, 'token_failed', 'The token function failed'));
        this.#renewal?.cancel();
        this.#renewal = this.settings.clock.setTimer(RENEWAL_RETRY_MS, () => this.#renew());
      },
    );
  }

  #watchForSilence(): void {
    this.#after(this.#heardAt + SILENCE_MS - this.settings.clock.monotonic(), () => {
      if (this.settings.clock.monotonic() - this.#heardAt < SILENCE_MS) this.#watchForSilence();
      else this.#askForLife();
    });
  }

  #askForLife(): void {
    const askedAt = this.settings.clock.monotonic();
    this.send({ type: 'ping', t: Math.round(askedAt) });
    this.#after(PONG_MS, () => {
      if (this.#heardAt < askedAt) this.#lose(new ClientError('timeout', 'The server fell silent.', { retryable: true }));
      else this.#watchForSilence();
    });
  }

  // --- losing it -----------------------------------------------------------------------------------------------------

  #onClose(code: number, reason: string): void {
    if (code !== 1008 || SAYS_NOTHING_OF_TOKENS.has(reason)) {
      this.#lose();
      return;
    }
    const error = new ClientError(reason === '' ? 'unauthenticated' : reason, refusal(reason, this.credentials.isRenewable));
    if (!this.isOpen) this.#refusals++;
    if (this.credentials.isRenewable && this.#refusals < MAX_REFUSALS) this.#lose(error);
    else this.#giveUp(error);
  }

  /** Comes back later. */
  #lose(error?: ClientError): void {
    const { clock, random } = this.settings;
    if (this.isOpen && clock.monotonic() - this.#openedAt >= GOOD_MS) this.#retryMs = FIRST_RETRY_MS;
    // The server spreads its clients itself when it says goodbye.
    const waitMs = this.#goodbyeMs ?? Math.round(this.#retryMs * (0.75 + random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
    this.#leave();
    this.#after(waitMs, () => void this.#open());
    this.#set({
      status: this.#wasOpen ? 'reconnecting' : 'connecting',
      retryAt: clock.now() + waitMs,
      ...(error !== undefined && { error }),
    });
  }

  #giveUp(error: ClientError): void {
    this.close(error);
    this.owner.failed(error);
  }

  /** Lets go of the socket at once: the closing handshake of one that is half dead may take minutes. */
  #leave(code?: number): void {
    const wasOpen = this.isOpen;
    const socket = this.#socket;
    this.#attempt++;
    this.#socket = undefined;
    this.#goodbyeMs = undefined;
    this.#timer?.cancel();
    this.#renewal?.cancel();
    this.#pace.clear();
    this.connection = { ...this.connection, status: 'reconnecting' };
    try {
      socket?.close(code);
    } catch {
      // It never was open.
    }
    if (wasOpen) this.owner.lost();
  }

  #write(text: string): void {
    try {
      this.#socket?.send(text);
    } catch {
      // It is closing; what has to arrive is sent again by the next connection.
    }
  }

  #after(ms: number, run: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.settings.clock.setTimer(ms, run);
  }

  #set(connection: Connection): void {
    this.connection = { ...connection, ...this.#who };
    this.owner.changed(this.connection);
  }
}

function hello(token: string | undefined, streams: boolean): ClientFrame {
  return { type: 'hello', version: 1, ...(token !== undefined && { token }), ...(!streams && { streams }) };
}

function parse(data: unknown): ServerFrame | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const frame = JSON.parse(data) as ServerFrame | null; // the server's own; types it does not know are left alone (WIRE-01)
    return typeof frame === 'object' && frame !== null ? frame : undefined;
  } catch {
    return undefined;
  }
}

function refusal(reason: string, isRenewable: boolean): string {
  const why = reason === '' ? 'The server refused this client' : `The server refused this client: ${reason}`;
  return isRenewable
    ? `${why}. See which token your token function returns.`
    : `${why}. Give token as a function that fetches a new one, or make a client with another token.`;
}
