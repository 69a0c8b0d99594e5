/**
 * Messages between `send` and their acknowledgement (WIRE-07, WIRE-08). Each room has a queue, and one message of it is on
 * its way at a time: so they are committed in the order they were sent, whatever is lost, refused for now or repeated.
 */
import type { ClientFrame, ServerFrame, WireEvent } from '../channels/index.js';
import type { EventContent, Metadata } from '../core/index.js';
import { asClientError, ClientError } from './errors.js';
import type { ClientSettings } from './options.js';

/** What became of a message. */
export interface SendResult {
  /** As it was committed: hooks may have changed it. Absent when it was blocked. */
  readonly event?: WireEvent;
  /** A hook or a permission refused it. */
  readonly blocked: boolean;
  /** Why it was blocked. */
  readonly reason?: string;
  /** A message of this id was there already; `event` is the first one. */
  readonly duplicate: boolean;
}

/** A message that is not in the timeline, not yet or not at all. */
export interface PendingSend {
  readonly id: string;
  readonly content: EventContent;
  readonly parentEventId?: string;
  readonly metadata?: Metadata;
  /** ISO time. */
  readonly createdAt: string;
  /** `queued` until there is a connection and everything before it was taken; `refused` stays until it is discarded. */
  readonly state: 'queued' | 'sending' | 'refused';
  /** Why it was refused: what blocked it, or an error's code. */
  readonly reason?: string;
}

/** What is sent, and how it is called. */
export interface OutgoingMessage extends Pick<PendingSend, 'content' | 'parentEventId' | 'metadata'> {
  readonly id: string;
  readonly roomId: string;
}

export interface OutboxOwner {
  isOpen(): boolean;
  frameBytes(): number;
  send(frame: ClientFrame): void;
  changed(roomId: string): void;
  failed(error: ClientError): void;
}

interface Entry {
  readonly roomId: string;
  /** Whose message it is; undefined until the first welcome. */
  participantId: string | undefined;
  pending: PendingSend;
  readonly resolve: (result: SendResult) => void;
  readonly reject: (error: ClientError) => void;
}

interface Queue {
  readonly entries: Entry[];
  readonly refused: Entry[];
  /** Runs while the first entry is on its way, or waits to be repeated. */
  timer: { cancel(): void } | undefined;
  list: readonly PendingSend[] | undefined;
}

/** Without an acknowledgement it is sent again: a repeat is recognised. */
const ANSWER_MS = 10_000;
const RETRY_MS = 1000;
/** So many refused messages of a room wait to be discarded. */
const MAX_REFUSED = 20;
const NOTHING: readonly PendingSend[] = [];

export class Outbox {
  readonly #queues = new Map<string, Queue>();
  #size = 0;
  #participantId: string | undefined;
  /** Whom the page before spoke as: this one does so too until a welcome says otherwise. */
  #assumedId: string | undefined;
  /** `yes` once nothing of an earlier page can be overwritten. */
  #restored: 'no' | 'reading' | 'yes' = 'no';

  constructor(
    private readonly settings: ClientSettings,
    private readonly owner: OutboxOwner,
  ) {}

  of(roomId: string): readonly PendingSend[] {
    const queue = this.#queues.get(roomId);
    if (queue === undefined) return NOTHING;
    return (queue.list ??= [...queue.refused, ...queue.entries].map(({ pending }) => pending));
  }

  /** Resolves when it was committed or blocked; rejects with why it cannot be. */
  add({ roomId, ...message }: OutgoingMessage): Promise<SendResult> {
    const { maxQueuedSends, clock } = this.settings;
    if (this.#size >= maxQueuedSends) {
      const why = `${this.#size} messages wait to be acknowledged; no more are taken. Wait for some, or raise maxQueuedSends.`;
      return Promise.reject(new ClientError('queue_full', why, { retryable: true }));
    }
    return new Promise((resolve, reject) => {
      const pending: PendingSend = { ...message, createdAt: new Date(clock.now()).toISOString(), state: 'queued' };
      this.#push({ roomId, participantId: this.#participantId, pending, resolve, reject });
      this.#changed(roomId);
      this.#save();
      this.#pump(roomId);
    });
  }

  /** Takes back what was refused, or is not on its way yet. False: it is too late, or there is no such message. */
  discard(roomId: string, id: string): boolean {
    const queue = this.#queues.get(roomId);
    const entry = this.#find(roomId, id) ?? queue?.refused.find(({ pending }) => pending.id === id);
    if (queue === undefined || entry === undefined || entry.pending.state === 'sending') return false;
    if (entry.pending.state === 'queued') this.#settle(entry, () => entry.reject(new ClientError('discarded', 'The message was discarded.')));
    else {
      queue.refused.splice(queue.refused.indexOf(entry), 1);
      this.#changed(roomId);
    }
    return true;
  }

  /** A connection is open, and speaks as this participant: what somebody else left behind is not said in their name. */
  connected(participantId: string | undefined): void {
    this.#participantId = participantId;
    for (const [roomId, { entries }] of this.#queues) {
      for (const entry of entries.splice(0)) {
        entry.participantId ??= participantId;
        if (entry.participantId === participantId) entries.push(entry);
        else {
          this.#size--;
          entry.reject(new ClientError('unauthenticated', 'The client speaks as somebody else now.'));
        }
      }
      this.#changed(roomId);
    }
    this.#save();
    for (const roomId of this.#queues.keys()) this.#pump(roomId);
  }

  disconnected(): void {
    for (const [roomId, queue] of this.#queues) {
      queue.timer?.cancel();
      queue.timer = undefined;
      this.#mark(roomId, queue, 'queued');
    }
  }

  /** Nothing in this room will be taken. */
  roomLost(roomId: string, error: ClientError): void {
    for (const entry of [...(this.#queues.get(roomId)?.entries ?? [])]) this.#refuse(entry, error);
  }

  /** Gives up all promises; what is stored stays stored. */
  close(error: ClientError): void {
    for (const [roomId, queue] of [...this.#queues]) {
      queue.timer?.cancel();
      this.#queues.delete(roomId);
      for (const { reject } of queue.entries) reject(error);
      this.owner.changed(roomId);
    }
    this.#size = 0;
    this.#restored = 'no';
  }

  // --- answers -------------------------------------------------------------------------------------------------------

  onAck(frame: Extract<ServerFrame, { type: 'ack' }>): void {
    const entry = this.#find(frame.roomId, frame.id);
    if (entry === undefined) return;
    const { event, blocked = false, duplicate = false, reason } = frame;
    const result = { blocked, duplicate, ...(event !== undefined && { event }), ...(reason !== undefined && { reason }) };
    if (blocked) this.#keepRefused(entry, reason ?? 'blocked');
    this.#settle(entry, () => entry.resolve(result));
  }

  /** True: the frame was about a message of ours. */
  onRefused({ id, code, message, retryable, retryAfterSeconds }: Extract<ServerFrame, { type: 'error' }>): boolean {
    if (id === undefined) return false;
    for (const [roomId, queue] of this.#queues) {
      const entry = this.#find(roomId, id);
      if (entry === undefined) continue;
      // What comes after it waits too: the order is kept.
      if (retryable) this.#repeatLater(roomId, queue, (retryAfterSeconds ?? 1) * RETRY_MS);
      else this.#refuse(entry, new ClientError(code, message));
      return true;
    }
    return false;
  }

  #refuse(entry: Entry, error: ClientError): void {
    this.#keepRefused(entry, error.code);
    this.#settle(entry, () => entry.reject(error));
  }

  #keepRefused(entry: Entry, reason: string): void {
    const refused = this.#queues.get(entry.roomId)?.refused;
    entry.pending = { ...entry.pending, state: 'refused', reason };
    if (refused !== undefined && refused.push(entry) > MAX_REFUSED) refused.shift();
  }

  #settle(entry: Entry, tell: () => void): void {
    const queue = this.#queues.get(entry.roomId);
    const position = queue?.entries.indexOf(entry) ?? -1;
    if (queue === undefined || position < 0) return;
    queue.entries.splice(position, 1);
    this.#size--;
    if (position === 0) {
      queue.timer?.cancel();
      queue.timer = undefined;
    }
    tell();
    this.#changed(entry.roomId);
    this.#save();
    this.#pump(entry.roomId);
    if (queue.entries.length === 0 && queue.refused.length === 0) this.#queues.delete(entry.roomId);
  }

  // --- sending -------------------------------------------------------------------------------------------------------

  #pump(roomId: string): void {
    const queue = this.#queues.get(roomId);
    const first = queue?.entries[0];
    if (queue === undefined || first === undefined || queue.timer !== undefined || !this.owner.isOpen()) return;
    const { id, content, parentEventId, metadata } = first.pending;
    const frame: ClientFrame = {
      type: 'send',
      id,
      roomId,
      content,
      ...(parentEventId !== undefined && { parentEventId }),
      ...(metadata !== undefined && { metadata }),
    };
    // The server could not say which message was too large.
    const bytes = new TextEncoder().encode(JSON.stringify(frame)).length;
    const most = this.owner.frameBytes();
    if (bytes > most) {
      this.#refuse(first, new ClientError('too_large', `The message has ${bytes} bytes; the server takes at most ${most}.`));
      return;
    }
    this.owner.send(frame);
    this.#mark(roomId, queue, 'sending');
    this.#repeatLater(roomId, queue, ANSWER_MS);
  }

  #repeatLater(roomId: string, queue: Queue, ms: number): void {
    queue.timer?.cancel();
    queue.timer = this.settings.clock.setTimer(ms, () => {
      queue.timer = undefined;
      this.#pump(roomId);
    });
  }

  #mark(roomId: string, queue: Queue, state: 'queued' | 'sending'): void {
    const [first] = queue.entries;
    if (first === undefined || first.pending.state === state) return;
    first.pending = { ...first.pending, state };
    this.#changed(roomId);
  }

  #push(entry: Entry): void {
    const { roomId } = entry;
    let queue = this.#queues.get(roomId);
    if (queue === undefined) this.#queues.set(roomId, (queue = { entries: [], refused: [], timer: undefined, list: undefined }));
    queue.entries.push(entry);
    this.#size++;
  }

  #find(roomId: string, id: string): Entry | undefined {
    return this.#queues.get(roomId)?.entries.find(({ pending }) => pending.id === id);
  }

  #changed(roomId: string): void {
    const queue = this.#queues.get(roomId);
    if (queue !== undefined) queue.list = undefined;
    this.owner.changed(roomId);
  }

  // --- surviving a reload --------------------------------------------------------------------------------------------

  /** Brings back what an earlier page left. Its ids are the same, so nothing is committed twice. */
  async restore(): Promise<void> {
    const { storage, storageKey } = this.settings;
    if (storage === undefined || this.#restored !== 'no') return;
    this.#restored = 'reading';
    try {
      const text = await storage.getItem(storageKey);
      if (text !== null) this.#takeBack(JSON.parse(text) as Stored); // what save() wrote, under a key of our own
    } catch (error) {
      this.owner.failed(asClientError(error, 'storage_failed', 'The messages of an earlier page could not be read'));
    }
    this.#restored = 'yes';
    this.#save();
  }

  /** In front of what was sent since. */
  #takeBack({ participantId, sends }: Stored): void {
    this.#assumedId = participantId;
    if (this.#participantId !== undefined && participantId !== this.#participantId) return;
    this.disconnected(); // another message may be the first of its room now
    const later = [...this.#queues.values()].flatMap(({ entries }) => entries.splice(0));
    this.#size = 0;
    const nobodyWaits = (): void => undefined;
    for (const { roomId, pending } of sends) {
      if (later.some((entry) => entry.pending.id === pending.id)) continue;
      this.#push({ roomId, participantId, pending: { ...pending, state: 'queued' }, resolve: nobodyWaits, reject: nobodyWaits });
    }
    for (const entry of later) this.#push(entry);
    for (const roomId of this.#queues.keys()) {
      this.#changed(roomId);
      this.#pump(roomId);
    }
  }

  /** Nothing is stored before it is known whose it is: the next to open this page may be somebody else. */
  #save(): void {
    const { storage, storageKey } = this.settings;
    const participantId = this.#participantId ?? this.#assumedId;
    if (storage === undefined || participantId === undefined || this.#restored !== 'yes') return;
    const sends = [...this.#queues].flatMap(([roomId, { entries }]) => entries.map(({ pending }) => ({ roomId, pending })));
    const stored: Stored = { participantId, sends };
    const failed = (error: unknown): void => this.owner.failed(asClientError(error, 'storage_failed', 'The messages that wait could not be stored'));
    try {
      // The name stays when nothing waits: messages written before the next connection belong to somebody then.
      Promise.resolve(storage.setItem(storageKey, JSON.stringify(stored))).catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** What is kept over a reload. */
interface Stored {
  readonly participantId: string;
  readonly sends: readonly { readonly roomId: string; readonly pending: PendingSend }[];
}
