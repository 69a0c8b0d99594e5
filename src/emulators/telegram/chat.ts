/** A person with the Telegram app, in one chat: reads what comes, writes, taps, reacts. */
import { isMatch, PATIENCE_MS } from '../arrivals.js';

/** A message as the person sees it now. */
export interface SeenMessage {
  readonly id: number;
  /** The words, or the caption. Empty where there are none. */
  readonly text: string;
  /** What in the words looks different, as `type:words`: `bold:Hello`. */
  readonly looks: readonly string[];
  /** `text`, `photo`, `voice`, `audio`, `video`, `animation`, `document`, `location`, `venue`. */
  readonly kind: string;
  /** Where Telegram was to fetch the file. */
  readonly mediaUrl?: string;
  /** The file that was uploaded. */
  readonly bytes?: Uint8Array;
  readonly location?: { readonly latitude: number; readonly longitude: number; readonly title?: string };
  /** Labels of the buttons below it. */
  readonly buttons: readonly string[];
  /** Whose it is: the bot's, or a person's. */
  readonly isFromBot: boolean;
  /** The message it answers. */
  readonly answers?: number;
  /** Messages that are shown side by side have the same. */
  readonly albumId?: string;
  readonly isEdited: boolean;
  /** What the bot has reacted with. */
  readonly reaction?: string;
}

/** A file that somebody sends. */
export interface SentFile {
  readonly bytes?: Uint8Array;
  readonly mimeType?: string;
  readonly filename?: string;
  readonly caption?: string;
  /** Photos that are sent side by side have the same. */
  readonly albumId?: string;
}

/** What the emulator does for a chat. */
export interface ChatBackend {
  messages(): readonly SeenMessage[];
  /** Labels of the keys in place of the letters. */
  keys(): readonly string[];
  write(text: string, replyTo: number | undefined): Promise<number>;
  sendFile(kind: 'photo' | 'voice' | 'audio' | 'video' | 'document', file: SentFile): Promise<number>;
  sendLocation(latitude: number, longitude: number): Promise<number>;
  tap(messageId: number, label: string): Promise<number>;
  pressKey(label: string): Promise<number>;
  react(messageId: number, emoji: string | undefined): Promise<number>;
  edit(messageId: number, text: string): Promise<number>;
  actions(): readonly string[];
  answeredTaps(): number;
  /** Resolves when something happens in the chat, or after so long. */
  changed(timeoutMs: number): Promise<void>;
  onChange(listener: () => void): () => void;
}

/** Made by an emulator: `emulator.chat('ada')`. What it does resolves with the status of the webhook's answer, or 0 without a webhook. */
export class TelegramChat {
  readonly #backend: ChatBackend;
  #seen = 0;

  constructor(
    /** As the bot knows it. */
    readonly id: number,
    readonly userId: number,
    backend: ChatBackend,
  ) {
    this.#backend = backend;
  }

  /** Everything that stands in the chat, oldest first; deleted messages do not. */
  get messages(): readonly SeenMessage[] {
    return this.#backend.messages();
  }

  /** Labels of the keys in place of the letters, such as suggested answers. */
  get keys(): readonly string[] {
    return this.#backend.keys();
  }

  /** What the bot was shown to be doing, oldest first: `typing` … */
  get actions(): readonly string[] {
    return this.#backend.actions();
  }

  /** How many taps of this person were answered. */
  get answeredTaps(): number {
    return this.#backend.answeredTaps();
  }

  /** Writes a message. */
  write(text: string, options: { readonly replyTo?: number } = {}): Promise<number> {
    return this.#backend.write(text, options.replyTo);
  }

  /** Sends a picture. */
  writePhoto(photo: SentFile = {}): Promise<number> {
    return this.#backend.sendFile('photo', photo);
  }

  /** Sends any other file. */
  writeFile(kind: 'voice' | 'audio' | 'video' | 'document', file: SentFile = {}): Promise<number> {
    return this.#backend.sendFile(kind, file);
  }

  /** Says where the person is. */
  writeLocation(latitude: number, longitude: number): Promise<number> {
    return this.#backend.sendLocation(latitude, longitude);
  }

  /** Taps a button, by its label: below the newest message that has one, or a key in place of the letters. */
  tap(label: string): Promise<number> {
    const message = this.messages.findLast(({ buttons }) => buttons.includes(label));
    if (message !== undefined) return this.#backend.tap(message.id, label);
    if (this.keys.includes(label)) return this.#backend.pressKey(label);
    const there = [...this.messages.flatMap(({ buttons }) => buttons), ...this.keys];
    throw new Error(`There is no button '${label}' in the chat. There are: ${there.length === 0 ? 'none' : there.join(', ')}.`);
  }

  /** Reacts to a message, by default the bot's newest; without a letter it takes the reaction back. */
  react(emoji: string | undefined, messageId = this.#newest(true)): Promise<number> {
    return this.#backend.react(messageId, emoji);
  }

  /** Changes the words of a message of the person, by default the newest. */
  edit(text: string, messageId = this.#newest(false)): Promise<number> {
    return this.#backend.edit(messageId, text);
  }

  /** Called when something has changed, here or in another chat. Returns what stops it. */
  onChange(listener: () => void): () => void {
    return this.#backend.onChange(listener);
  }

  /** The next message of the bot that was not waited for yet and matches; rejects when none comes in time. */
  async waitFor(match: string | RegExp = '', { timeoutMs = PATIENCE_MS }: { readonly timeoutMs?: number } = {}): Promise<SeenMessage> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      for (const message of this.messages) {
        if (message.id <= this.#seen || !message.isFromBot) continue;
        this.#seen = message.id;
        if (isMatch(match, message.text)) return message;
      }
      await this.#wait(
        until,
        () => `No message of the bot matched ${String(match) || 'anything'} in ${timeoutMs} ms. There are ${this.messages.length} in the chat.`,
      );
    }
  }

  /** Waits until something is so in the chat. */
  async waitUntil(holds: (chat: TelegramChat) => boolean, { timeoutMs = PATIENCE_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    const until = Date.now() + timeoutMs;
    while (!holds(this)) await this.#wait(until, () => `It did not come true in ${timeoutMs} ms.`);
  }

  async #wait(until: number, why: () => string): Promise<void> {
    const left = until - Date.now();
    if (left <= 0) throw new Error(why());
    await this.#backend.changed(left);
  }

  #newest(isFromBot: boolean): number {
    const message = this.messages.findLast((candidate) => candidate.isFromBot === isFromBot);
    if (message === undefined) throw new Error(`There is no message of ${isFromBot ? 'the bot' : 'the person'} in the chat.`);
    return message.id;
  }
}
