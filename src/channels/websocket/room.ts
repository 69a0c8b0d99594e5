/** The connections of one channel in one room, and how far the room has been told. */
import type { Participant } from '../../core/models/people.js';
import type { Connection } from './connection.js';
import { Subscription } from './connection.js';
import type { RoomStream } from './streams.js';

export class RoomConnections {
  /** Index of the last event that was given to the channel; −1 before the first. */
  last = -1;
  /** Whether `last` is known to be the newest event the channel may see: then its successor needs no look into the store. */
  exact = false;
  /** Whether other processes commit in this room: then what did not come through may be theirs. */
  isShared = false;
  /** How far its subscriptions have looked for what other processes have committed. */
  lookedAt = -1;
  /** The room's participants at the last event: another list is looked through for who is not in the room any more. */
  people: readonly Participant[] | undefined;
  /** Previews that are being written. */
  readonly streams = new Set<RoomStream>();
  /** Something asynchronous that has to go out before what follows. */
  tail: Promise<void> | undefined;
  readonly #subscriptions = new Map<Connection, Subscription>();
  #snapshot: readonly Subscription[] | undefined;
  #following = 0;

  constructor(
    readonly roomId: string,
    /** Called when nobody hears the room and nothing is written in it. */
    private readonly forget: (room: RoomConnections) => void,
  ) {}

  /** All subscriptions; the list is not changed while somebody walks it. */
  get subscriptions(): readonly Subscription[] {
    return (this.#snapshot ??= [...this.#subscriptions.values()]);
  }

  /** Whether anybody goes by index. */
  get followed(): boolean {
    return this.#following > 0;
  }

  add(connection: Connection, follows: boolean): Subscription {
    const subscription = new Subscription(connection, this, follows);
    this.#subscriptions.set(connection, subscription);
    this.#snapshot = undefined;
    if (follows) this.#following++;
    return subscription;
  }

  remove(subscription: Subscription): void {
    if (subscription.closed) return;
    subscription.closed = true;
    subscription.live = false;
    this.#subscriptions.delete(subscription.connection);
    this.#snapshot = undefined;
    if (subscription.follows) this.#following--;
    for (const stream of this.streams) stream.forget(subscription);
    this.#forgetIfEmpty();
  }

  endStream(stream: RoomStream): void {
    if (this.streams.delete(stream)) this.#forgetIfEmpty();
  }

  #forgetIfEmpty(): void {
    if (this.#subscriptions.size === 0 && this.streams.size === 0) this.forget(this);
  }
}
