/**
 * One event to all connections of a room (WS-02). Sends that return nothing, or a promise that is settled already, cost little
 * more than the call; only what is left after that is followed one by one.
 */
import { LATER, type DeliverReceipt } from '../../core/channel.js';
import { DeliveryError } from '../../core/errors.js';
import { isPromise, type Awaitable } from '../../core/models/json.js';
import { sendError, type Subscription } from './connection.js';
import type { EventFrame, Shared } from './frames.js';
import type { RoomConnections } from './room.js';
import { moment, type Unsettled } from './settling.js';
import type { ClosingFrame } from './streams.js';

/** Where the outcome of a send is told, in place of a promise ({@link LATER}). */
export interface Outcome {
  done(error?: Error): void;
}

/**
 * Tells `outcome`, resolves, or returns at once, when one connection has it or there is none to give it to; throws when none took it. Slow
 * ones go on by themselves. `closing` ends a preview for those who watch it.
 */
export function fanOut(
  room: RoomConnections,
  frame: EventFrame,
  shared: Shared,
  closing: ClosingFrame | undefined,
  outcome?: Outcome,
): Awaitable<DeliverReceipt | void> {
  const { index } = frame.event;
  const subscriptions = room.subscriptions;
  let taken = false;
  let failure: Error | undefined;
  let pending: PendingSends | undefined;
  for (let position = 0; position < subscriptions.length; position++) {
    const subscription = subscriptions[position];
    if (subscription === undefined) continue;
    const { connection } = subscription;
    if (!subscription.live || subscription.last >= index) {
      if (subscription.closed) continue;
      if (!subscription.live) subscription.stale = true; // its replay reads the event from the store, in its place
      if (closing?.watchers.has(subscription) === true) closing.withdraw(subscription); // a replay is faster
      taken = true;
      continue;
    }
    if (!connection.direct) {
      if (!connection.open) continue;
      if (connection.busy) {
        (pending ??= new PendingSends(room, index)).queue(subscription, shared.bytesOf(frame), () => transmit(subscription, frame, shared, closing));
        continue;
      }
    }
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
      if (subscriptions.length === 1) return follow(room, subscription, index, sent, outcome);
      (pending ??= new PendingSends(room, index)).add(subscription, sent);
    } else {
      taken = true;
      if (connection.failures !== 0) connection.failures = 0;
    }
  }
  if (pending !== undefined) return pending.decided(taken, failure);
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

function follow(
  room: RoomConnections,
  subscription: Subscription,
  index: number,
  sent: PromiseLike<unknown>,
  outcome: Outcome | undefined,
): DeliverReceipt | Promise<void> {
  if (outcome !== undefined) {
    new OneSend(room, subscription, index, sent, outcome);
    return LATER;
  }
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => (error === undefined ? resolve() : reject(error));
    new OneSend(room, subscription, index, sent, { done });
  });
}

/** The send of a room with one connection. */
class OneSend implements Unsettled {
  constructor(
    private readonly room: RoomConnections,
    private readonly subscription: Subscription,
    private readonly index: number,
    private readonly sent: PromiseLike<unknown>,
    private readonly outcome: Outcome,
  ) {
    const now = moment();
    now.add(this);
    now.watch(sent);
  }

  taken(): void {
    this.subscription.connection.failures = 0;
    this.outcome.done();
  }

  follow(): void {
    this.subscription.connection.track(this.sent, (error) => {
      if (error === undefined) {
        this.outcome.done();
        return;
      }
      missed(this.subscription, this.index);
      this.outcome.done(notTaken(this.room, error));
    });
  }
}

/** The sends of one event that returned promises. */
class PendingSends implements Unsettled {
  private readonly subscriptions: Subscription[] = [];
  private readonly sends: PromiseLike<unknown>[] = [];
  /** Sends and waiting ones that are followed one by one and have not ended. */
  private followed = 0;
  /** Somebody failed just before: even if all take it now, that is to be forgotten. */
  private doubtful = false;
  private looked = false;
  private reached = false;
  private failure: Error | undefined = undefined;
  private resolve: () => void = nothing;
  private reject: (error: Error) => void = nothing;

  constructor(
    private readonly room: RoomConnections,
    private readonly index: number,
  ) {}

  add(subscription: Subscription, sent: PromiseLike<unknown>): void {
    this.subscriptions.push(subscription);
    this.sends.push(sent);
    if (subscription.connection.failures !== 0) this.doubtful = true;
    moment().watch(sent);
  }

  /** Behind what the connection has not finished yet. */
  queue(subscription: Subscription, bytes: number, run: () => unknown): void {
    subscription.last = this.index;
    this.followed++;
    subscription.connection.push({
      subscription,
      bytes,
      run,
      done: (error) => {
        this.followed--;
        this.ended(subscription, error);
      },
    });
  }

  decided(reached: boolean, failure: Error | undefined): Promise<void> {
    this.reached = reached;
    this.failure ??= failure;
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      moment().add(this);
    });
  }

  taken(): void {
    if (this.doubtful) {
      this.follow();
      return;
    }
    this.looked = true;
    if (this.sends.length > 0) this.reached = true;
    this.decide();
  }

  follow(): void {
    const { sends } = this;
    this.looked = true;
    this.followed += sends.length;
    for (let position = 0; position < sends.length; position++) {
      const subscription = this.subscriptions[position];
      const sent = sends[position];
      if (subscription === undefined || sent === undefined) continue;
      subscription.connection.track(sent, (error) => {
        this.followed--;
        this.ended(subscription, error);
      });
    }
    this.decide();
  }

  private ended(subscription: Subscription, error: Error | undefined): void {
    if (error === undefined) this.reached = true;
    else {
      this.failure ??= error;
      missed(subscription, this.index);
    }
    this.decide();
  }

  /** One is enough; all of them have to fail before it is a failure (WS-03). */
  private decide(): void {
    if (!this.looked) return;
    if (this.reached) this.resolve();
    else if (this.followed > 0) return;
    else if (this.failure === undefined) this.resolve();
    else this.reject(notTaken(this.room, this.failure));
  }
}

function nothing(): void {
  // Nobody waits yet.
}
