/**
 * A page over the browser wire protocol: it follows its rooms by index, says something now and then, and when its connection is
 * gone it goes on at any other process with the last index it has (WIRE-08). It is written apart from the package's client.
 */
import WebSocket from 'ws';
import type { Random } from '../crash/random.js';
import { pause } from './fleet.js';
import type { Said, Shown } from './ledger.js';
import type { Client } from './protocol.js';

export interface PageOptions {
  readonly client: Client;
  readonly token: string;
  readonly random: Random;
  readonly anyUrl: () => string;
  readonly now: () => number;
  readonly fault: (sentence: string) => void;
}

interface Followed {
  readonly shown: Shown[];
  last: number;
  /** Id of the subscription that is not answered yet: what still comes of the one before it is not looked at. */
  asked: string | undefined;
}

/** A frame of the server, as far as it is read. */
interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly roomId?: string;
  readonly prev?: number;
  readonly event?: { readonly id: string; readonly index: number; readonly content: { readonly body?: string } };
  readonly code?: string;
  readonly retryable?: boolean;
  readonly blocked?: boolean;
}

const PING_MS = 1500;
/** Without a word for so long the process is taken for dead. */
const SILENCE_MS = 6000;
/** Until it connects again, doubled each time in vain. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4000;
const ACK_MS = 6000;
/** What a process does not answer for so long is asked of another one. */
const ANSWER_MS = 15_000;

export class SocketPage {
  readonly rooms = new Map<string, Followed>();
  readonly counts = { connections: 0, repairs: 0, previews: 0, unanswered: 0 };
  readonly #open = new Map<string, { readonly said: Said; resolve: () => void }>();
  #socket: WebSocket | undefined;
  #isClosed = false;
  #heardAt = 0;
  #ids = 0;
  #subscribed = 0;

  constructor(private readonly options: PageOptions) {
    for (const roomId of options.client.rooms) this.rooms.set(roomId, { shown: [], last: -1, asked: undefined });
  }

  get participantId(): string {
    return this.options.client.participantId;
  }

  get shownCount(): number {
    return [...this.rooms.values()].reduce((sum, { shown }) => sum + shown.length, 0);
  }

  /** Whether it is connected, and each of its rooms was answered. */
  get isListening(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN && [...this.rooms.values()].every(({ asked }) => asked === undefined);
  }

  /** Connects, and connects again, until it is closed. */
  async run(): Promise<void> {
    for (let waitMs = FIRST_WAIT_MS; !this.#isClosed; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      const before = this.#subscribed;
      await this.#connection();
      if (this.#subscribed > before) waitMs = FIRST_WAIT_MS;
      if (!this.#isClosed) await pause(this.options.random.between(waitMs / 2, waitMs));
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
  }

  /** Resolves when it is acknowledged, however many connections that takes, or `stopped`. */
  async say(said: Said, stopped: () => boolean): Promise<void> {
    const acknowledged = new Promise<void>((resolve) => this.#open.set(said.key, { said, resolve }));
    this.#send(said);
    let isOver = false;
    void acknowledged.then(() => (isOver = true));
    while (!isOver && !stopped()) {
      await Promise.race([acknowledged, pause(ACK_MS)]);
      if (!isOver) this.#send(said);
    }
  }

  #send(said: Said): void {
    said.tries++;
    this.#write({ type: 'send', id: said.key, roomId: said.roomId, content: { type: 'text', body: said.key } });
  }

  #write(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #connection(): Promise<void> {
    const { anyUrl, token } = this.options;
    const socket = new WebSocket(`${anyUrl().replace('http', 'ws')}/ws`, 'roomkit.v1', { handshakeTimeout: SILENCE_MS });
    this.#socket = socket;
    this.#heardAt = performance.now();
    this.counts.connections++;
    const heart = setInterval(() => {
      if (performance.now() - this.#heardAt > SILENCE_MS) socket.terminate();
      else this.#write({ type: 'ping', t: 0 });
    }, PING_MS);
    return new Promise((resolve) => {
      socket.on('open', () => this.#write({ type: 'hello', version: 1, token }));
      socket.on('message', (data: Buffer) => {
        if (this.#socket !== socket) return;
        this.#heardAt = performance.now();
        this.#read(JSON.parse(data.toString('utf8')) as Frame);
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(heart);
        resolve();
      });
    });
  }

  #subscribe(roomId: string, followed: Followed): void {
    const id = (followed.asked = `sub-${++this.#ids}`);
    const socket = this.#socket;
    this.#write({ type: 'subscribe', id, roomId, afterIndex: followed.last });
    setTimeout(() => {
      if (followed.asked !== id || this.#socket !== socket || this.#isClosed) return;
      this.counts.unanswered++;
      socket?.terminate();
    }, ANSWER_MS).unref();
  }

  /** A room could not be read for the moment. */
  #askAgain({ id, roomId = '' }: Frame): void {
    const followed = this.rooms.get(roomId) ?? [...this.rooms.values()].find(({ asked }) => asked !== undefined && asked === id);
    if (followed === undefined) return;
    const about = [...this.rooms].find(([, one]) => one === followed)?.[0] ?? '';
    const socket = this.#socket;
    setTimeout(() => this.#socket === socket && this.#subscribe(about, followed), 500);
  }

  #read(frame: Frame): void {
    const { fault, client, now } = this.options;
    switch (frame.type) {
      case 'welcome':
        for (const [roomId, followed] of this.rooms) this.#subscribe(roomId, followed);
        for (const { said } of this.#open.values()) this.#send(said);
        return;
      case 'subscribed': {
        const followed = this.rooms.get(frame.roomId ?? '');
        if (followed?.asked === frame.id && followed !== undefined) followed.asked = undefined;
        this.#subscribed++;
        return;
      }
      case 'ack': {
        const waiting = this.#open.get(frame.id ?? '');
        if (waiting !== undefined) {
          this.#open.delete(waiting.said.key);
          waiting.said.acceptedAt = now();
          if (frame.blocked === true) fault(`${waiting.said.roomId}: ${waiting.said.key} was blocked.`);
          waiting.resolve();
        }
        if (frame.prev !== undefined) this.#show(frame);
        return;
      }
      case 'event':
      case 'stream_end':
        return this.#show(frame);
      case 'stream_error':
        if (frame.event !== undefined) this.#show(frame);
        return;
      case 'stream_chunk':
        this.counts.previews++;
        return;
      case 'resync':
        return fault(`${frame.roomId ?? '?'}: the page of ${client.participantId} was told to begin anew.`);
      case 'error': {
        const waiting = this.#open.get(frame.id ?? '');
        if (frame.retryable !== true) fault(`The page of ${client.participantId} was refused: ${JSON.stringify(frame)}`);
        else if (waiting !== undefined) setTimeout(() => this.#open.has(waiting.said.key) && this.#send(waiting.said), 300);
        else this.#askAgain(frame);
        return;
      }
    }
  }

  #show({ roomId = '', prev, event }: Frame): void {
    const followed = this.rooms.get(roomId);
    if (followed === undefined || event === undefined || followed.asked !== undefined) return;
    if (prev !== followed.last) {
      // Something is missing in between (WIRE-05). What came before is no gap but a double: it is kept, for the judge.
      if (event.index > followed.last) {
        this.counts.repairs++;
        this.#subscribe(roomId, followed);
        return;
      }
    }
    followed.shown.push({ index: event.index, eventId: event.id, text: event.content.body ?? '' });
    followed.last = Math.max(followed.last, event.index);
  }
}
