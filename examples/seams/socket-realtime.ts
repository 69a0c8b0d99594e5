/** A realtime backend for the processes of one machine: what one publishes, a small server hands to all. */
import type { Socket } from 'node:net';
import {
  InMemoryRealtime,
  StderrLogger,
  UuidGenerator,
  type Logger,
  type RealtimeBackend,
  type RealtimeCallback,
  type RealtimeMessage,
} from 'roomkit';
import { join, listen, onMessage, tell } from './lines.js';

interface Published {
  readonly channel: string;
  readonly message: RealtimeMessage;
}

// #region server
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Hands each message to everybody, its sender too: so all hear the same in the same order. Resolves to what ends it. */
export function serveRealtime(path: string): Promise<() => Promise<void>> {
  const members = new Set<Socket>();
  return listen(path, (socket) => {
    members.add(socket);
    socket.on('close', () => members.delete(socket));
    onMessage<Published>(socket, (published) => {
      for (const member of members) {
        if (member.writableLength > MAX_UNREAD_BYTES)
          member.destroy(); // who does not read delays nobody; it comes back
        else tell(member, published);
      }
    });
  });
}
// #endregion

// #region backend
const RECONNECT_MS = 500;

/** Give one to each process's kit: `new RoomKit({ realtime: await SocketRealtime.connect(path) })`. */
export class SocketRealtime implements RealtimeBackend {
  readonly distributed = true;
  readonly #local: InMemoryRealtime;
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(
    private readonly path: string,
    logger: Logger,
  ) {
    // Queues of a hundred, one callback after another, errors logged: what every backend promises its subscribers.
    this.#local = new InMemoryRealtime({ ids: new UuidGenerator(), logger });
  }

  static async connect(path: string, logger: Logger = new StderrLogger()): Promise<SocketRealtime> {
    const realtime = new SocketRealtime(path, logger);
    await realtime.#connect();
    return realtime;
  }

  publish(channel: string, message: RealtimeMessage): void {
    if (this.#socket !== undefined) tell(this.#socket, { channel, message } satisfies Published); // else it is lost, as these may be
  }

  subscribe(channel: string, callback: RealtimeCallback): string {
    return this.#local.subscribe(channel, callback);
  }

  unsubscribe(subscriptionId: string): boolean {
    return this.#local.unsubscribe(subscriptionId);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#socket?.destroy();
    this.#socket = undefined;
    await this.#local.close();
  }

  async #connect(): Promise<void> {
    const socket = await join<Published>(this.path, ({ channel, message }) => this.#local.publish(channel, message));
    if (this.#closed) return void socket.destroy();
    this.#socket = socket;
    socket.on('close', () => {
      this.#socket = undefined;
      this.#comeBack();
    });
  }

  #comeBack(): void {
    if (!this.#closed) this.#retry = setTimeout(() => void this.#connect().catch(() => this.#comeBack()), RECONNECT_MS);
  }
}
// #endregion
