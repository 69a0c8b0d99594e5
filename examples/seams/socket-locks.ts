/** A lock manager for the processes of one machine: one of them keeps the queues, all connect to its socket. */
import type { Socket } from 'node:net';
import type { RoomLease, RoomLockManager } from 'roomkit';
import { join, listen, onMessage, tell } from './lines.js';

type Request = { readonly ask: number; readonly room: string } | { readonly done: number };
type Answer = { readonly given: number; readonly token: number } | { readonly lost: number };

// #region server
interface Waiter {
  readonly socket: Socket;
  readonly id: number;
  timer?: NodeJS.Timeout;
}

/** Keeps a queue per room; whoever stands first holds it. */
export class LockServer {
  readonly #queues = new Map<string, Waiter[]>();
  #token = 0;

  constructor(private readonly leaseMs = 60_000) {}

  /** Resolves to what ends it. */
  listen(path: string): Promise<() => Promise<void>> {
    return listen(path, (socket) => {
      onMessage<Request>(socket, (request) => {
        if ('ask' in request) this.#ask(request.room, { socket, id: request.ask });
        else this.#leave(({ socket: of, id }) => of === socket && id === request.done);
      });
      socket.on('close', () => this.#leave(({ socket: of }) => of === socket)); // a process that died holds nothing
    });
  }

  /** Takes a room from whoever holds it, as happens to one that holds it for too long. */
  take(room: string): void {
    const holder = this.#queues.get(room)?.[0];
    if (holder === undefined) return;
    tell(holder.socket, { lost: holder.id } satisfies Answer);
    this.#leave((waiter) => waiter === holder);
  }

  #ask(room: string, waiter: Waiter): void {
    const queue = this.#queues.get(room) ?? [];
    this.#queues.set(room, queue);
    if (queue.push(waiter) === 1) this.#give(room, waiter);
  }

  #give(room: string, waiter: Waiter): void {
    // Grows also when this server was started again and remembers nothing (LOCK-01): a lease takes longer than a microsecond.
    this.#token = Math.max(this.#token + 1, Math.floor((performance.timeOrigin + performance.now()) * 1000));
    waiter.timer = setTimeout(() => this.take(room), this.leaseMs);
    tell(waiter.socket, { given: waiter.id, token: this.#token } satisfies Answer);
  }

  #leave(isIt: (waiter: Waiter) => boolean): void {
    for (const [room, queue] of this.#queues) {
      const [holder] = queue;
      const left = queue.filter((waiter) => !isIt(waiter));
      if (left.length === queue.length) continue;
      for (const waiter of queue) if (isIt(waiter)) clearTimeout(waiter.timer);
      if (left[0] === undefined) this.#queues.delete(room);
      else this.#queues.set(room, left);
      if (left[0] !== undefined && left[0] !== holder) this.#give(room, left[0]);
    }
  }
}
// #endregion

// #region manager
interface Asked {
  readonly room: string;
  holds: boolean;
  readonly given: (token: number) => void;
  readonly lost: (reason: Error) => void;
}

/** Give one to each process's kit: `new RoomKit({ store, lockManager: new SocketLocks(path) })`. */
export class SocketLocks implements RoomLockManager {
  readonly distributed = true;
  readonly #asked = new Map<number, Asked>();
  #line: Promise<Socket> | undefined;
  #last = 0;

  constructor(private readonly path: string) {}

  acquire(room: string, { signal }: { signal?: AbortSignal } = {}): Promise<RoomLease> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const id = ++this.#last;
      const lease = new AbortController();
      const release = (): void => {
        if (this.#asked.delete(id)) this.#send({ done: id });
      };
      const onAbort = (): void => {
        release(); // also when the room is on its way to us
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const asked: Asked = {
        room,
        holds: false,
        given: (token) => {
          signal?.removeEventListener('abort', onAbort);
          asked.holds = true;
          resolve({ token, signal: lease.signal, release });
        },
        lost: (reason) => {
          signal?.removeEventListener('abort', onAbort);
          this.#asked.delete(id);
          lease.abort(reason);
          reject(reason); // without effect once it was given
        },
      };
      this.#asked.set(id, asked);
      this.#send({ ask: id, room });
    });
  }

  async close(): Promise<void> {
    const line = this.#line;
    this.#loseAll(new Error('This lock manager was closed.'));
    (await line?.catch(() => undefined))?.destroy();
  }

  #send(request: Request): void {
    this.#line ??= this.#connect();
    this.#line.then(
      (socket) => tell(socket, request),
      () => undefined, // whoever waits has been told
    );
  }

  async #connect(): Promise<Socket> {
    try {
      const socket = await join<Answer>(this.path, (answer) => {
        if ('given' in answer) this.#asked.get(answer.given)?.given(answer.token);
        else this.#asked.get(answer.lost)?.lost(new Error('The room was held for too long, and is another’s now.'));
      });
      socket.on('close', () => this.#comeBack());
      return socket;
    } catch (error) {
      this.#loseAll(error as Error);
      throw error;
    }
  }

  /** The server is gone, and with it what we held. What we wait for we ask its successor. */
  #comeBack(): void {
    this.#line = undefined;
    for (const [id, { room, holds, lost }] of [...this.#asked]) {
      if (holds) lost(new Error(`The lock server at '${this.path}' is gone.`));
      else this.#send({ ask: id, room });
    }
  }

  #loseAll(reason: Error): void {
    this.#line = undefined;
    for (const { lost } of [...this.#asked.values()]) lost(reason);
  }
}
// #endregion
