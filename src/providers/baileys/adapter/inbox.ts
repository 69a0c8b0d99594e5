/**
 * Messages that the kit does not have yet. Baileys acknowledges a message when it can be read, and WhatsApp does not bring it again:
 * so it is kept beside the session until the kit has it, and told of again after a crash.
 */
import { RoomKitError } from '../../../core/errors.js';
import type { WhatsAppSessionStore } from '../session/store.js';
import type { BaileysModule } from './library.js';
import type { ReadMessage } from './read-events.js';

const ENTRY = 'inbox';

export class Inbox {
  readonly #messages = new Map<string, ReadMessage>();
  readonly #store: WhatsAppSessionStore;
  readonly #json: BaileysModule['BufferJSON'];
  #writing: Promise<void> = Promise.resolve();
  /** A write that has not begun: it will hold what is added now as well. */
  #next: Promise<void> | undefined;

  private constructor(store: WhatsAppSessionStore, json: BaileysModule['BufferJSON']) {
    this.#store = store;
    this.#json = json;
  }

  static async open(store: WhatsAppSessionStore, json: BaileysModule['BufferJSON']): Promise<Inbox> {
    const inbox = new Inbox(store, json);
    const bytes = await store.load(ENTRY);
    if (bytes === undefined) return inbox;
    try {
      const kept = JSON.parse(new TextDecoder().decode(bytes), json.reviver) as readonly ReadMessage[]; // written here
      for (const message of kept) inbox.#messages.set(nameOf(message), message);
    } catch {
      // The words of the parser would show what stands there.
      throw new RoomKitError(
        'whatsapp_session_damaged',
        'The messages of the session are no JSON. Put the session back from a copy, or link the account anew.',
      );
    }
    return inbox;
  }

  /** What was left by a process before. */
  get left(): readonly ReadMessage[] {
    return [...this.#messages.values()];
  }

  /** Resolves when it is kept. */
  add(message: ReadMessage): Promise<void> {
    this.#messages.set(nameOf(message), message);
    return this.#write();
  }

  /** The kit has it. */
  remove(message: ReadMessage): Promise<void> {
    return this.#messages.delete(nameOf(message)) ? this.#write() : Promise.resolve();
  }

  /** Resolves when what was begun is written. */
  settled(): Promise<void> {
    return this.#next ?? this.#writing;
  }

  #write(): Promise<void> {
    this.#next ??= this.#writing
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        this.#writing = this.#save();
        return this.#writing;
      });
    return this.#next;
  }

  #save(): Promise<void> {
    if (this.#messages.size === 0) return this.#store.remove(ENTRY);
    return this.#store.save(ENTRY, new TextEncoder().encode(JSON.stringify([...this.#messages.values()], this.#json.replacer)));
  }
}

function nameOf({ key, from }: ReadMessage): string {
  return `${key.chat} ${from} ${key.id}`;
}
