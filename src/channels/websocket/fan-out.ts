/**
 * One event to all connections of a room (WS-02). Sends that return nothing, or a promise that is settled already, cost no
 * more than the call; only what is left after that is followed one by one.
 */
import { DeliveryError } from '../../core/errors.js';
import { isPromise } from '../../core/models/json.js';
import { sendError, type Subscription } from './connection.js';
import type { EventFrame, Shared } from './frames.js';
import type { RoomConnections } from './room.js';
import type { ClosingFrame } from './streams.js';

const SETTLED = Promise.resolve();

/**
 * Resolves, or returns at once, when one connection has it or there is none to give it to; throws when none took it. Slow
 * ones go on by themselves. `closing` ends a preview for those who watch it.
 */
export function fanOut(room: RoomConnections, frame: EventFrame, shared: Shared, closing: ClosingFrame | undefined): void | Promise<void> {
  const { index } = frame.event;
  const subscriptions = room.subscriptions;
  let taken = false;
  let failure: Error | undefined;
  let pending: PendingSends | undefined;
  for (let position = 0; position < subscriptions.length; position++) {
    const subscription = subscriptions[position];
    if (subscription === undefined || subscription.closed) continue;
    if (subscription.replaying) {
      subscription.stale = true; // its replay reads the event from the store, in its place
      taken = true;
      continue;
    }
    if (subscription.last >= index) {
      taken = true; // a replay was faster
      if (closing?.watchers.has(subscription) === true) closing.withdraw(subscription);
      continue;
    }
    const connection = subscription.connection;
    if (connection.busy) {
      if (!connection.open) continue;
      pending ??= new PendingSends(room, index);
      pending.queue(subscription, shared.bytesOf(frame), () => transmit(subscription, frame, shared, closing));
      continue;
    }
    if (connection.options.state !== undefined && !connection.open) continue;
    subscription.last = index;
    let sent: unknown;
    try {
      sent = closing === undefined ? connection.send(frame, shared) : transmit(subscription, frame, shared, closing);
    } catch (error) {
      failure = sendError(connection.id, error);
      missed(subscription, index);
      connection.failed(failure);
      continue;
    }
    if (isPromise(sent)) {
      pending ??= new PendingSends(room, index);
      pending.add(subscription, sent);
    } else {
      taken = true;
      if (connection.failures !== 0) connection.failures = 0;
    }
  }
  if (pending !== undefined) return pending.outcome(taken, failure);
  if (!taken && failure !== undefined) throw notTaken(room, failure);
}

function transmit(subscription: Subscription, frame: EventFrame, shared: Shared, closing: ClosingFrame | undefined): unknown {
  const { connection } = subscription;
  if (closing !== undefined && closing.watchers.has(subscription)) return connection.options.streamSend?.(closing.frame, closing.shared);
  return connection.send(frame, shared);
}

/** It has not got this event: should it be delivered again, it is not left out. */
function missed(subscription: Subscription, index: number): void {
  if (subscription.last === index) subscription.last = index - 1;
}

function notTaken(room: RoomConnections, cause: Error): DeliveryError {
  const code = cause instanceof DeliveryError ? cause.code : 'send_failed';
  // Not retryable: it says something of these clients, not of the channel, and they read again by index what they missed.
  return new DeliveryError(code, `No connection in room '${room.roomId}' took the event.`, { cause, retryable: false });
}

/** The sends of one event that returned promises. */
class PendingSends {
  readonly #subscriptions: Subscription[] = [];
  readonly #sends: PromiseLike<unknown>[] = [];
  #open = 0;
  /** Nothing failed, now or just before: settled sends need no second look. */
  #clean = true;
  #queued = 0;
  #taken = false;
  #failure: Error | undefined;
  #resolve: (() => void) | undefined;
  #reject: ((error: Error) => void) | undefined;

  constructor(
    private readonly room: RoomConnections,
    private readonly index: number,
  ) {}

  add(subscription: Subscription, sent: PromiseLike<unknown>): void {
    this.#subscriptions.push(subscription);
    this.#sends.push(sent);
    this.#open++;
    if (subscription.connection.failures !== 0) this.#clean = false;
    sent.then(this.#took, this.#refused);
  }

  /** Behind what the connection has not finished yet. */
  queue(subscription: Subscription, bytes: number, run: () => unknown): void {
    subscription.last = this.index;
    this.#queued++;
    subscription.connection.push({
      subscription,
      bytes,
      run,
      done: (error) => {
        this.#queued--;
        this.#ended(subscription, error);
      },
    });
  }

  outcome(taken: boolean, failure: Error | undefined): Promise<void> {
    this.#taken = taken;
    this.#failure ??= failure;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      // By then every send that had settled when it returned has reported.
      void SETTLED.then(this.#look);
    });
  }

  readonly #took = (): void => {
    this.#open--;
  };

  readonly #refused = (): void => {
    this.#open--;
    this.#clean = false;
  };

  readonly #look = (): void => {
    if (this.#open === 0 && this.#clean) {
      if (this.#sends.length > 0) this.#taken = true;
      this.#sends.length = 0;
      this.#decide();
      return;
    }
    const sends = this.#sends.splice(0);
    this.#open = sends.length;
    for (let position = 0; position < sends.length; position++) {
      const subscription = this.#subscriptions[position];
      const sent = sends[position];
      if (subscription === undefined || sent === undefined) continue;
      subscription.connection.track(sent, (error) => {
        this.#open--;
        this.#ended(subscription, error);
      });
    }
    this.#decide();
  };

  #ended(subscription: Subscription, error: Error | undefined): void {
    if (error === undefined) this.#taken = true;
    else {
      this.#failure ??= error;
      missed(subscription, this.index);
    }
    this.#decide();
  }

  /** One is enough; all of them have to fail before it is a failure (WS-03). */
  #decide(): void {
    if (this.#resolve === undefined || this.#sends.length > 0) return;
    if (this.#taken) this.#resolve();
    else if (this.#open > 0 || this.#queued > 0) return;
    else if (this.#failure === undefined) this.#resolve();
    else this.#reject?.(notTaken(this.room, this.#failure));
  }
}
