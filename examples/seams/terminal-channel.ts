/** A channel over TCP: people type into a terminal (`nc 127.0.0.1 7000`), and each line is a message. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import {
  channelCapabilities,
  extractText,
  type Channel,
  type ChannelBinding,
  type ChannelServices,
  type DeliverOptions,
  type RoomContext,
  type RoomEvent,
} from 'roomkit';

/** What one terminal may send without an end of line, and may leave unread. Who exceeds it is cut off. */
const MAX_BYTES = 64 * 1024;

// #region is
export class TerminalChannel implements Channel {
  readonly channelType = 'webhook'; // what hooks filter by: of the types there are, the one for what you write yourself
  readonly category = 'transport';
  readonly direction = 'bidirectional';
  readonly capabilities = channelCapabilities({ maxLength: 80, overflow: 'split' }); // text alone, in lines of 80
  readonly durable = false; // who is not there misses it: nothing is kept for them, nothing tried again
  readonly echo = true; // one channel for all terminals: what one says goes to the others as well
  readonly namesOwnSenders = true; // a sender is a participant, no address to be resolved
  // #endregion
  readonly #sockets = new Set<Socket>();
  readonly #people = new Map<Socket, { readonly name: string; readonly roomId: string }>();
  readonly #server: Server;
  #services: ChannelServices | undefined;

  constructor(readonly channelId: string) {
    this.#server = createServer((socket) => this.#welcome(socket));
  }

  async listen(port: number): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port; // a TCP server has one
  }

  // #region inbound
  connect(services: ChannelServices): void {
    this.#services = services; // called by registerChannel
  }

  #welcome(socket: Socket): void {
    socket.write('Your name and the room?\n');
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#sockets.delete(socket) && this.#people.delete(socket));
    this.#sockets.add(socket);
    let unfinished = 0;
    socket.on('data', (bytes) => {
      unfinished = bytes.includes('\n') ? 0 : unfinished + bytes.length;
      if (unfinished > MAX_BYTES) socket.destroy();
    });
    const lines = createInterface({ input: socket });
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      const person = this.#people.get(socket);
      if (person !== undefined) return void this.#say(socket, person, line);
      const [name, roomId] = line.trim().split(/\s+/);
      if (name === undefined || roomId === undefined) return void socket.end('Such as: ada lobby\n');
      this.#people.set(socket, { name, roomId });
      socket.write(`Hello ${name}.\n`);
    });
  }

  async #say(socket: Socket, { name, roomId }: { name: string; roomId: string }, content: string): Promise<void> {
    try {
      const result = await this.#services?.kit.processInbound({ channelId: this.channelId, senderId: name, content }, { roomId });
      if (result?.blocked === true) socket.write(`(not sent: ${result.reason})\n`);
    } catch (error) {
      this.#services?.logger.warn('A line could not be taken.', { channelId: this.channelId, error });
      socket.write('(not sent: something went wrong)\n');
    }
  }
  // #endregion

  // #region outbound
  deliver(event: RoomEvent, _binding: ChannelBinding, context: RoomContext, { parts }: DeliverOptions): { skipped: boolean } {
    const { participantId, channelId } = event.source;
    const from = context.participants.find(({ id }) => id === participantId)?.displayName ?? participantId ?? channelId;
    const readers = [...this.#people].filter(([, { name, roomId }]) => roomId === event.roomId && name !== participantId);
    for (const [socket] of readers) {
      for (const line of parts ?? [extractText(event)]) socket.write(`${from}: ${line}\n`);
      if (socket.writableLength > MAX_BYTES) socket.destroy(); // it does not read: the room does not wait for it
    }
    return { skipped: readers.length === 0 };
  }
  // #endregion

  // #region close
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    for (const socket of this.#sockets) {
      socket.write('Goodbye.\n');
      socket.destroySoon();
    }
    await once(this.#server, 'close');
  }
  // #endregion
}
