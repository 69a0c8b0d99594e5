/** A lane: what one channel gets of one room, one at a time, in index order (OUT-02). Callbacks instead of promises: it is hot. */

/** One piece of work in a lane. */
export interface LaneItem {
  /** Its row in the outbox, when it has one. */
  readonly rowId?: string;
  /** The index of the event that it carries, when it has a row. */
  readonly eventIndex?: number;
  /** Begins. True: it goes on and calls {@link Lane.finished} when it has ended. False: it is done. Never throws. */
  run(): boolean;
  /** Whoever waits for it is told that it will come later. */
  expire?(): void;
}

/** How many items wait at most in memory; a live channel's surplus fails and is read again by index (CON-11, OUT-15). */
export const MAX_LANE_ITEMS = 10_000;

export class Lane {
  private busy = false;
  private running: LaneItem | undefined;
  private waiting: LaneItem[] = [];
  private head = 0;
  /** The running item is known to wait for longer than anybody would. */
  private heldUp = false;
  /** Of a shared store: rows that this process commits, and that come into the lane by themselves; nobody else brings them. */
  readonly coming = new Set<string>();
  /** The newest index this lane has had: of a shared store, what others put behind it is newer (STO-16). */
  knownIndex = -1;
  /** Rows whose commit is under way or done and that are not in the lane yet: nothing may come between (OUT-03). */
  reserved = 0;

  constructor(
    /** The store may hold older rows of this lane: they are read before the next one goes out. */
    public behind = false,
  ) {}

  get idle(): boolean {
    return !this.busy && this.reserved === 0;
  }

  get depth(): number {
    return this.waiting.length - this.head + (this.busy ? 1 : 0);
  }

  get full(): boolean {
    return this.waiting.length - this.head >= MAX_LANE_ITEMS;
  }

  push(item: LaneItem): void {
    if (this.busy) {
      this.waiting.push(item);
      if (this.heldUp) item.expire?.();
      return;
    }
    this.busy = true;
    this.running = item;
    if (!item.run()) this.finished();
  }

  /** Whether the row of this event is sent here, or waits here to be sent. */
  holds(eventIndex: number): boolean {
    if (this.running?.eventIndex === eventIndex) return true;
    for (let at = this.head; at < this.waiting.length; at++) if (this.waiting[at]?.eventIndex === eventIndex) return true;
    return false;
  }

  /** What waits here for this row. */
  waitingFor(rowId: string): LaneItem | undefined {
    for (let at = this.head; at < this.waiting.length; at++) if (this.waiting[at]?.rowId === rowId) return this.waiting[at];
    return undefined;
  }

  /** Puts items in front of those that wait, also such as wait themselves; for the item that runs. */
  goFirst(items: readonly LaneItem[]): void {
    if (items.length === 0) return;
    const first = new Set(items);
    this.waiting = [...items, ...this.waiting.slice(this.head).filter((item) => !first.has(item))];
    this.head = 0;
  }

  /** Of the running item: it waits for longer than anybody would, and with it all that is behind it (INB-21). Or not any more. */
  holdUp(isHeldUp: boolean): void {
    if (isHeldUp && !this.heldUp) for (let at = this.head; at < this.waiting.length; at++) this.waiting[at]?.expire?.();
    this.heldUp = isHeldUp;
  }

  /** What waits stays in the store, in its order behind what did not come to its end: whoever goes on reads it there (OUT-02). */
  leave(): void {
    const left = this.waiting.slice(this.head);
    this.waiting = [];
    this.head = 0;
    this.knownIndex = -1;
    for (const item of left) item.expire?.();
  }

  /** The running item has ended: the next one begins. */
  finished(): void {
    this.heldUp = false;
    while (this.head < this.waiting.length) {
      const item = this.waiting[this.head++];
      if (this.head > 512 && this.head * 2 > this.waiting.length) {
        this.waiting = this.waiting.slice(this.head);
        this.head = 0;
      }
      this.running = item;
      if (item?.run() === true) return;
    }
    this.running = undefined;
    if (this.waiting.length > 0) this.waiting = [];
    this.head = 0;
    this.busy = false;
  }
}
