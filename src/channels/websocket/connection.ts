/**
 * One connection of a WebSocket channel: what waits for it, what it has failed to take, which rooms it follows. What is
 * ready goes straight out; only behind a send that did not settle at once something waits (WS-02 … WS-04).
 */
import type { Deadlines } from '../../core/async/deadlines.js';
import { DeliveryError, errorMessage } from '../../core/errors.js';
import type { LiveConnectionOptions } from '../../core/live-connection.js';
import { isPromise } from '../../core/models/json.js';
import type { ConnectionFrame, Shared, StreamFrame } from './frames.js';
import type { RoomConnections } from './room.js';

/**
 * Takes a frame. A promise means that it is on its way, and its rejection, like a throw, that it was not taken (WS-03); what
 * else is returned is ignored.
 */
export type ConnectionSend = (frame: ConnectionFrame, shared: Shared) => unknown;

/** What the channel hands over beside a frame: a place for the form that many connections share. */
export type ConnectionOptions = LiveConnectionOptions<[shared: Shared]>;

/** What one connection of a WebSocket channel may cost (WS-02, WS-04). */
export interface ConnectionLimits {
  /** How long it may take for one message. */
  readonly sendTimeoutMs: number;
  /** How many messages may wait for it. */
  readonly maxQueuedMessages: number;
  /** How many bytes may wait for it. */
  readonly maxQueuedBytes: number;
}

/** What a connection needs of its channel. */
export interface ConnectionHost {
  readonly limits: ConnectionLimits;
  deadlines(): Deadlines;
  evict(connection: Connection, reason: string): void;
}

/** A room as one connection follows it. */
export class Subscription {
  /** Index of the newest event it was given; what is not above it is not sent again. */
  last = -1;
  /** False while it catches up, when live events are left to the replay, and once it is closed. */
  live = true;
  /** Something came live while it caught up: the replay reads once more. */
  stale = false;
  closed = false;

  constructor(
    readonly connection: Connection,
    readonly room: RoomConnections,
    /** Whether it goes by index and so needs the true `prev` of every event. */
    readonly follows: boolean,
  ) {}
}

/** Something that waits for its turn. */
interface Job {
  /** Set for what belongs to a room: not sent once the room was left. */
  readonly subscription?: Subscription | undefined;
  readonly bytes: number;
  readonly run: () => unknown;
  readonly done?: ((error?: Error) => void) | undefined;
}

const MAX_FAILURES = 3;

export class Connection {
  readonly subscriptions = new Map<string, Subscription>();
  closed = false;
  /** Failures since the last success. */
  failures = 0;
  /** Nothing is on its way that a send would have to wait for, and no socket has to be asked whether it is open. */
  direct: boolean;
  private held = 0;
  private queue: Job[] = [];
  private queuedBytes = 0;
  private drained: (() => void)[] = [];

  constructor(
    readonly id: string,
    readonly send: ConnectionSend,
    readonly options: ConnectionOptions,
    private readonly host: ConnectionHost,
  ) {
    this.direct = options.state === undefined;
  }

  /** Whether a send has not settled yet. What comes then waits behind it. */
  get busy(): boolean {
    return this.held > 0;
  }

  get queued(): number {
    return this.queue.length;
  }

  /** Half of what may wait does: who can hold back should, so that there is room for what cannot. */
  get crowded(): boolean {
    const { maxQueuedBytes, maxQueuedMessages } = this.host.limits;
    return this.queue.length * 2 >= maxQueuedMessages || this.queuedBytes * 2 >= maxQueuedBytes;
  }

  /** Whether its socket can take something. */
  get open(): boolean {
    return !this.closed && (this.options.state === undefined || this.options.state() === 'open');
  }

  /** Sends now, or in its turn. `done` is called exactly once. */
  push(job: Job): void {
    if (this.closed) {
      job.done?.(closedError(this.id));
      return;
    }
    if (!this.busy) {
      this.#run(job);
      return;
    }
    const { maxQueuedBytes, maxQueuedMessages } = this.host.limits;
    if (this.queue.length >= maxQueuedMessages || this.queuedBytes + job.bytes > maxQueuedBytes) {
      job.done?.(new DeliveryError('slow_consumer', `Connection '${this.id}' does not keep up and was dropped.`));
      this.host.evict(this, 'slow_consumer');
      return;
    }
    this.queue.push(job);
    this.queuedBytes += job.bytes;
  }

  /** A frame of a preview for a connection that is not busy: sent without being put into a job. */
  stream(frame: StreamFrame, shared: Shared): void {
    try {
      const sent: unknown = this.options.streamSend?.(frame, shared);
      if (isPromise(sent)) this.track(sent);
      else this.failures = 0;
    } catch (error) {
      this.failed(sendError(this.id, error));
    }
  }

  /** Follows a send that has not settled: bounded in time, counted when it fails. What comes next waits for it. */
  track(sent: PromiseLike<unknown>, done?: (error?: Error) => void): void {
    this.held++;
    this.direct = false;
    let settled = false;
    const settle = (error?: Error): void => {
      if (settled) return;
      settled = true;
      deadline.cancel();
      if (--this.held === 0) this.direct = this.options.state === undefined && !this.closed;
      if (error === undefined) this.failures = 0;
      else this.failed(error);
      done?.(error);
      this.#pump();
    };
    const { limits } = this.host;
    const deadline = this.host
      .deadlines()
      .add(limits.sendTimeoutMs, () =>
        settle(new DeliveryError('timeout', `Connection '${this.id}' did not take a message within ${limits.sendTimeoutMs} ms.`)),
      );
    sent.then(
      () => settle(),
      (error: unknown) => settle(sendError(this.id, error)),
    );
  }

  /** Counts a failure; the third in a row ends the connection (WS-03). */
  failed(error: Error): void {
    if (++this.failures < MAX_FAILURES || this.closed) return;
    this.host.evict(this, error instanceof DeliveryError ? error.code : 'send_failed');
  }

  /** Resolves when nothing waits any more, or the connection is gone. */
  whenDrained(): Promise<void> | undefined {
    if (this.closed || !this.busy) return undefined;
    return new Promise((resolve) => this.drained.push(resolve));
  }

  /** Forgets everything; what waited is told so. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.direct = false;
    const queue = this.queue;
    this.queue = [];
    this.queuedBytes = 0;
    for (const job of queue) job.done?.(closedError(this.id));
    this.#tellDrained();
  }

  #run(job: Job): void {
    let sent: unknown;
    try {
      sent = job.run();
    } catch (error) {
      const failure = sendError(this.id, error);
      this.failed(failure);
      job.done?.(failure);
      return;
    }
    if (isPromise(sent)) this.track(sent, job.done);
    else {
      this.failures = 0;
      job.done?.();
    }
  }

  #pump(): void {
    while (this.held === 0 && !this.closed) {
      const job = this.queue.shift();
      if (job === undefined) {
        this.#tellDrained();
        return;
      }
      this.queuedBytes -= job.bytes;
      if (job.subscription?.closed === true) job.done?.(closedError(this.id));
      else this.#run(job);
    }
  }

  #tellDrained(): void {
    if (this.drained.length === 0) return;
    const waiting = this.drained;
    this.drained = [];
    for (const resolve of waiting) resolve();
  }
}

/** A failed send as a delivery's error. Another attempt is useless: the client reads by index what it missed. */
export function sendError(connectionId: string, cause: unknown): DeliveryError {
  if (cause instanceof DeliveryError) return cause;
  return new DeliveryError('send_failed', `Connection '${connectionId}' could not take a message: ${errorMessage(cause)}.`, { cause });
}

function closedError(connectionId: string): DeliveryError {
  return new DeliveryError('send_failed', `Connection '${connectionId}' is gone.`);
}
