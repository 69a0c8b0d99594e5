/**
 * Devices: each speaks as one person on one channel, over its own socket and with a client's token, and knows nothing more
 * than that person would.
 */
import { batch, signal, type Signal } from '@preact/signals';
import { api, ApiError } from '../api.js';
import { Line, type LineState } from '../line.js';
import type { EventContent, ServerFrame, WireEvent } from '../types.js';
import type { Writing } from './room.js';

export interface Person {
  readonly channelId: string;
  readonly participantId: string;
  readonly displayName: string;
}

/** A message on its way, or one that was not taken. */
export interface Pending {
  readonly id: string;
  readonly content: EventContent;
  readonly refused?: string;
}

const KEY = 'roomkit-studio-devices';
const MOST = 200;
const TYPING_EVERY_MS = 3000;
const MOST_REFUSALS = 3;
const REFUSED_MS = 300;

/** Room → the devices that are open there; kept in this tab. */
export const people = signal<ReadonlyMap<string, readonly Person[]>>(readPeople());

export function addDevice(roomId: string, person: Person): void {
  const before = people.value.get(roomId) ?? [];
  if (before.some((other) => other.channelId === person.channelId && other.participantId === person.participantId)) return;
  keep(roomId, [...before, person]);
}

export function removeDevice(roomId: string, person: Person): void {
  keep(
    roomId,
    (people.value.get(roomId) ?? []).filter((other) => other !== person),
  );
}

function keep(roomId: string, list: readonly Person[]): void {
  people.value = new Map(people.value).set(roomId, list);
  sessionStorage.setItem(KEY, JSON.stringify([...people.value]));
}

function readPeople(): Map<string, readonly Person[]> {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(KEY) ?? '[]') as [string, readonly Person[]][]); // written by keep
  } catch {
    return new Map();
  }
}

/** A customer's chat, as a page with the browser protocol would have it. */
export class ChatDevice {
  readonly events: Signal<readonly WireEvent[]> = signal([]);
  readonly writing = signal<readonly Writing[]>([]);
  readonly pending = signal<readonly Pending[]>([]);
  readonly typing = signal(false);
  readonly state = signal<LineState>({ kind: 'connecting' });
  readonly failure = signal<string | undefined>(undefined);

  #token: Promise<{ token: string; expiresAt: string }> | undefined;
  readonly #line: Line;
  #last = -1;
  #isRead = false;
  #count = 0;
  #typingSentAt = 0;
  #typingTimer: ReturnType<typeof setTimeout> | undefined;
  #refusals = 0;

  constructor(
    readonly roomId: string,
    readonly person: Person,
  ) {
    this.#line = new Line({
      token: () => this.#mint(),
      onFrame: (frame) => this.#onFrame(frame),
      onState: (state) => this.#onState(state),
    });
  }

  close(): void {
    this.#line.close();
    clearTimeout(this.#typingTimer);
  }

  isOwn(event: Pick<WireEvent, 'source'>): boolean {
    const { channelId, participantId } = event.source;
    return channelId === this.person.channelId && (participantId ?? this.person.participantId) === this.person.participantId;
  }

  say(text: string): void {
    const id = `studio-${Date.now().toString(36)}-${(this.#count++).toString(36)}`;
    const content: EventContent = { type: 'text', body: text };
    this.pending.value = [...this.pending.value, { id, content }];
    this.#send({ id, content });
    if (this.#typingSentAt > 0) this.#line.send({ type: 'typing', roomId: this.roomId, on: false });
    this.#typingSentAt = 0;
  }

  /** Said at most every few seconds; it ends by itself. */
  type(): void {
    if (Date.now() - this.#typingSentAt < TYPING_EVERY_MS) return;
    this.#typingSentAt = Date.now();
    this.#line.send({ type: 'typing', roomId: this.roomId, on: true });
  }

  /** A server that was started anew signs with another secret: a fresh token is asked for, a few times at most. */
  #onState(state: LineState): void {
    this.state.value = state;
    if (state.kind === 'online') this.#refusals = 0;
    if (state.kind !== 'refused') return;
    this.#token = undefined;
    if (this.#refusals++ < MOST_REFUSALS) setTimeout(() => this.#line.retryNow(), REFUSED_MS * this.#refusals);
    else this.failure.value = `The server does not let this device in: ${state.reason}.`;
  }

  #send({ id, content }: Pending): void {
    this.#line.send({ type: 'send', id, roomId: this.roomId, content });
  }

  /** One token serves until shortly before its end. */
  async #mint(): Promise<string> {
    const known = await this.#token?.catch(() => undefined);
    if (known === undefined || Date.parse(known.expiresAt) - Date.now() < 60_000) {
      this.#token = api.mintClientToken({ rooms: [this.roomId], ...this.person });
    }
    try {
      const { token } = (await this.#token) ?? { token: '' };
      this.failure.value = undefined;
      return token;
    } catch (error) {
      this.#token = undefined;
      this.failure.value = error instanceof ApiError ? error.message : 'No token could be made for this device.';
      throw error;
    }
  }

  async #onWelcome(): Promise<void> {
    this.writing.value = [];
    if (!this.#isRead) {
      try {
        const page = await api.readEvents(this.roomId, { newestFirst: true, limit: MOST }, await this.#mint());
        this.#isRead = true;
        this.events.value = page.events;
        this.#last = page.events.at(-1)?.index ?? -1;
      } catch (error) {
        this.failure.value = error instanceof Error ? error.message : String(error);
      }
    }
    this.#line.send({ type: 'subscribe', id: 'room', roomId: this.roomId, afterIndex: this.#last });
    // What was not acknowledged is said again, under the same ids.
    for (const pending of this.pending.value) if (pending.refused === undefined) this.#send(pending);
  }

  #onFrame(frame: ServerFrame): void {
    batch(() => {
      switch (frame.type) {
        case 'welcome':
          void this.#onWelcome();
          break;
        case 'event':
          this.#append(frame.prev, frame.event);
          break;
        case 'ack':
          this.#onAck(frame);
          break;
        case 'stream_start':
          this.typing.value = false;
          this.writing.value = [
            ...this.writing.value.filter(({ streamId }) => streamId !== frame.streamId),
            { streamId: frame.streamId, source: frame.source, text: '' },
          ];
          break;
        case 'stream_chunk':
          this.writing.value = this.writing.value.map((one) =>
            one.streamId === frame.streamId && one.text.length === frame.offset ? { ...one, text: one.text + frame.delta } : one,
          );
          break;
        case 'stream_end':
        case 'stream_error':
          this.writing.value = this.writing.value.filter(({ streamId }) => streamId !== frame.streamId);
          if (frame.event !== undefined && frame.prev !== undefined) this.#append(frame.prev, frame.event);
          break;
        case 'event_changed':
          this.events.value = this.events.value.map((event) => (event.id === frame.event.id ? frame.event : event));
          break;
        case 'event_removed':
          this.events.value = this.events.value.filter(({ id }) => id !== frame.eventId);
          break;
        case 'resync':
          this.#isRead = false;
          void this.#onWelcome();
          break;
        case 'ephemeral':
          this.#onTyping(frame.event.type, frame.event.userId);
          break;
        case 'token_expiring':
          this.#token = undefined;
          void this.#mint().then(
            (token) => this.#line.send({ type: 'auth', token }),
            () => undefined,
          );
          break;
        case 'error':
          if (frame.id !== undefined) this.#refuse(frame.id, frame.message);
          break;
        default:
          break;
      }
    });
  }

  #append(prev: number, event: WireEvent): void {
    if (event.index <= this.#last) return;
    if (prev > this.#last) {
      this.#line.send({ type: 'subscribe', id: 'room', roomId: this.roomId, afterIndex: this.#last });
      return;
    }
    this.#last = event.index;
    this.typing.value = false;
    this.events.value = [...this.events.value.slice(-MOST), event];
  }

  #onAck({ id, event, prev, blocked, reason }: Extract<ServerFrame, { type: 'ack' }>): void {
    if (blocked === true) {
      this.#refuse(id, reason === undefined ? 'Not sent' : `Not sent: ${reason}`);
      return;
    }
    this.pending.value = this.pending.value.filter((pending) => pending.id !== id);
    if (event !== undefined) this.#append(prev ?? this.#last, event);
  }

  #refuse(id: string, refused: string): void {
    this.pending.value = this.pending.value.map((pending) => (pending.id === id ? { ...pending, refused } : pending));
  }

  #onTyping(type: string, userId: string): void {
    if ((type !== 'typing_start' && type !== 'typing_stop') || userId === this.person.participantId) return;
    clearTimeout(this.#typingTimer);
    this.typing.value = type === 'typing_start' && this.writing.value.length === 0;
    this.#typingTimer = setTimeout(() => (this.typing.value = false), 6000);
  }
}
