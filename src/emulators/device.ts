/** What a person holds: everything that came and went, for a console or a page that shows it. */

/** What a device looks like. */
export type DeviceKind = 'phone' | 'mailbox' | 'chat';

/** Something to tap under a message. */
export interface DeviceButton {
  readonly id: string;
  readonly label: string;
}

/** One message as the person sees it. */
export interface DeviceMessage {
  readonly id: string;
  /** The person wrote it. */
  readonly isOwn: boolean;
  readonly text: string;
  /** Of mail. */
  readonly subject?: string;
  readonly mediaUrls: readonly string[];
  readonly buttons: readonly DeviceButton[];
  /** It did not get through: why. */
  readonly failure?: string;
}

/** What a message must say of itself when it arrives. */
export type ArrivedMessage = Pick<DeviceMessage, 'id' | 'text'> & Partial<Pick<DeviceMessage, 'subject' | 'mediaUrls' | 'buttons'>>;

/** What a device is made with. */
export interface DeviceOptions {
  /** What it looks like. */
  readonly kind: DeviceKind;
  /** Whose it is: a number, an address, a name. */
  readonly person: string;
  /** Where the person is reached, as a room keeps it under the channel's `recipientKey`. Default: `person`. */
  readonly address?: string;
  /** Sends what the person writes; rejects with the reason when it did not get through. */
  readonly write: (text: string) => Promise<void>;
  /** Taps a button of a message; absent where there are none. */
  readonly tap?: (messageId: string, buttonId: string) => Promise<void>;
}

/** A phone, a mailbox or a chat. */
export class Device {
  readonly kind: DeviceKind;
  readonly person: string;
  readonly address: string;
  readonly #options: DeviceOptions;
  readonly #listeners = new Set<(message: DeviceMessage) => void>();
  #messages: readonly DeviceMessage[] = [];
  #written = 0;

  constructor(options: DeviceOptions) {
    this.kind = options.kind;
    this.person = options.person;
    this.address = options.address ?? options.person;
    this.#options = options;
  }

  /** Oldest first. A message that changes is another object. */
  get messages(): readonly DeviceMessage[] {
    return this.#messages;
  }

  /** Writes to the program. Never rejects: what did not get through says so. */
  async write(text: string): Promise<DeviceMessage> {
    const message: DeviceMessage = { id: `own-${++this.#written}`, isOwn: true, text, mediaUrls: [], buttons: [] };
    this.#put(message);
    return this.#settle(message, this.#options.write(text));
  }

  /** Taps a button. Never rejects. */
  async tap(messageId: string, buttonId: string): Promise<DeviceMessage | undefined> {
    const button = this.#messages.find(({ id }) => id === messageId)?.buttons.find(({ id }) => id === buttonId);
    if (button === undefined || this.#options.tap === undefined) return undefined;
    const message: DeviceMessage = { id: `own-${++this.#written}`, isOwn: true, text: button.label, mediaUrls: [], buttons: [] };
    this.#put(message);
    return this.#settle(message, this.#options.tap(messageId, buttonId));
  }

  /** A message arrives, or one that is there changes. Called by the emulator. */
  receive({ id, text, subject, mediaUrls = [], buttons = [] }: ArrivedMessage): void {
    this.#put({ id, isOwn: false, text, ...(subject !== undefined && { subject }), mediaUrls, buttons });
  }

  /** A message is taken back. Called by the emulator. */
  remove(id: string): void {
    const gone = this.#messages.find((message) => message.id === id);
    if (gone === undefined) return;
    this.#messages = this.#messages.filter((message) => message !== gone);
    this.#tell(gone);
  }

  /** Called with each message that comes, goes or changes from now on. Returns what stops it. */
  onChange(listener: (message: DeviceMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #settle(message: DeviceMessage, sending: Promise<void>): Promise<DeviceMessage> {
    try {
      await sending;
      return message;
    } catch (error) {
      const failed = { ...message, failure: error instanceof Error ? error.message : String(error) };
      this.#put(failed);
      return failed;
    }
  }

  #put(message: DeviceMessage): void {
    const at = this.#messages.findIndex(({ id }) => id === message.id);
    this.#messages = at === -1 ? [...this.#messages, message] : this.#messages.with(at, message);
    this.#tell(message);
  }

  #tell(message: DeviceMessage): void {
    for (const listener of this.#listeners) listener(message);
  }
}
