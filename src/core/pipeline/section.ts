/**
 * A section: the time one call holds a room's lock (LOCK-02, LOCK-06). Calls made by a hook inside it become child
 * sections, serialised among themselves; the lock is not released before they have finished.
 */
import { callScope, openSection } from '../call-scope.js';
import { NotSupportedError } from '../errors.js';
import type { RoomLease, RoomLockManager } from '../locks/lock.js';
import type { Logger } from '../logger.js';
import { isPromise, type Awaitable } from '../models/json.js';

interface Deferred {
  readonly fn: () => void;
  readonly index: number;
}

export class Section {
  open = true;
  /** What has to happen once the lock is free: deliveries, turns, notices (INB-14). */
  private afterRelease: Deferred[] | undefined = undefined;
  private lastChild: Promise<unknown> | undefined = undefined;
  private isReleased = false;
  /** The newest index that was read or written under this lock, where it may be lost unnoticed (LOCK-03). */
  private seenIndex: number | undefined = undefined;

  constructor(
    readonly roomId: string,
    readonly lease: RoomLease,
    private readonly logger: Logger,
    readonly depth = 0,
    private readonly parent: Section | undefined = undefined,
  ) {}

  get root(): Section {
    return this.parent === undefined ? this : this.parent.root;
  }

  get fencingToken(): number | undefined {
    return this.lease.token;
  }

  /** What every write under this lock carries (LOCK-03). */
  get writeOptions(): { fencingToken?: number } {
    return this.lease.token === undefined ? {} : { fencingToken: this.lease.token };
  }

  /** What was read of the room under this lock: a commit of somebody else since then makes it void, and with it what is decided on it. */
  saw(latestIndex: number): void {
    if (this.lease.token !== undefined) this.root.seenIndex ??= latestIndex;
  }

  /** What was committed under this lock. */
  wrote(latestIndex: number): void {
    if (this.lease.token !== undefined) this.root.seenIndex = latestIndex;
  }

  /** The index that the room must have for a commit under this lock; undefined where nobody else can have written. */
  get expectedLatestIndex(): number | undefined {
    return this.root.seenIndex;
  }

  /**
   * Runs `fn` after the lock was released: by the index of the event that it tells of, or else after what was put off before
   * it. Several calls of one section may commit at once when a hook was given up, and hear of it in any order (OUT-02).
   */
  defer(fn: () => void, index?: number): void {
    const root = this.root;
    if (root.isReleased) return fn();
    const deferred = (root.afterRelease ??= []);
    deferred.push({ fn, index: index ?? deferred.at(-1)?.index ?? -1 });
  }

  get hasDeferred(): boolean {
    return this.root.afterRelease !== undefined;
  }

  /** Runs `work` as a child, after its elder siblings. */
  runChild<T>(work: (child: Section) => Awaitable<T>): Promise<T> {
    const child = new Section(this.roomId, this.lease, this.logger, this.depth + 1, this);
    const run = async (): Promise<T> => {
      try {
        return await work(child);
      } finally {
        await child.childrenSettled();
        child.open = false;
      }
    };
    const result = this.lastChild === undefined ? run() : this.lastChild.then(run, run);
    this.lastChild = result.catch(() => undefined);
    return result;
  }

  get hasChildren(): boolean {
    return this.lastChild !== undefined;
  }

  async childrenSettled(): Promise<void> {
    for (let last = this.lastChild; last !== undefined;) {
      await last;
      if (this.lastChild === last) {
        this.lastChild = undefined;
        return;
      }
      last = this.lastChild;
    }
  }

  /** Closes the section, frees the lock and starts what waited for that. What was committed stands, whatever the lock says to it. */
  release(): Awaitable<void> {
    this.open = false;
    this.isReleased = true;
    let released: Awaitable<void> = undefined;
    try {
      released = this.lease.release();
    } catch (error) {
      this.complain(error);
    }
    const deferred = this.afterRelease;
    if (deferred !== undefined) {
      this.afterRelease = undefined;
      for (const { fn } of deferred.sort((a, b) => a.index - b.index)) fn();
    }
    return isPromise(released) ? released.catch((error: unknown) => this.complain(error)) : undefined;
  }

  private complain(error: unknown): void {
    this.logger.error('The lock of a room could not be given back.', { roomId: this.roomId, error });
  }
}

/** What a section needs of the kit. */
export interface SectionParts {
  readonly locks: RoomLockManager;
  readonly logger: Logger;
  readonly limits: { readonly maxChainDepth: number };
}

/** Opens a section: joins the open one of this call (LOCK-06), else takes the room's lock. At once when nothing has to be waited for. */
export function withSection<T>(parts: SectionParts, roomId: string, work: (section: Section) => Awaitable<T>): Awaitable<T> {
  const current = openSection();
  if (current !== undefined) {
    checkJoin(current, roomId, parts.limits.maxChainDepth);
    return current.runChild(work);
  }
  const acquired = parts.locks.acquire(roomId, undefined);
  return isPromise(acquired)
    ? acquired.then((lease) => holding(new Section(roomId, lease, parts.logger), work))
    : holding(new Section(roomId, acquired, parts.logger), work);
}

function holding<T>(section: Section, work: (section: Section) => Awaitable<T>): Awaitable<T> {
  let result: Awaitable<T>;
  try {
    result = work(section);
  } catch (error) {
    return holdingUntil(section, Promise.reject<T>(error));
  }
  if (isPromise(result)) return holdingUntil(section, result);
  if (section.hasChildren) return holdingUntil(section, Promise.resolve(result));
  const released = section.release();
  return isPromise(released) ? released.then(() => result) : result;
}

async function holdingUntil<T>(section: Section, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } finally {
    if (section.hasChildren) await section.childrenSettled();
    await section.release();
  }
}

/** Refuses what would deadlock (another room) or never end (endless nesting). */
export function checkJoin(current: Section, roomId: string, maxDepth: number): void {
  if (current.roomId !== roomId) {
    throw new NotSupportedError(
      `A hook of room '${current.roomId}' cannot change room '${roomId}' while it holds the first one's lock. ` +
        'Do it in a notice such as after_broadcast, or through kit.background(() => …).',
    );
  }
  if (current.depth + 1 > maxDepth) {
    throw new NotSupportedError(
      `Calls of hooks into room '${roomId}' nest deeper than maxChainDepth (${maxDepth}). Let the hook return, and go on in a notice.`,
    );
  }
}

/** Runs a hook's code inside a section, so that its calls join it. */
export function runInSection<T>(section: Section, causeDepth: number, fn: () => T): T {
  const outer = callScope.getStore();
  return callScope.run({ section, causeDepth, turn: outer?.turn, span: outer?.span, tracer: outer?.tracer }, fn);
}
