/** A person's Teams, on the other end of an emulated bot. */
import { Arrivals } from '../arrivals.js';
import { isFields, stringOf } from '../problem.js';
import type { TeamsButton } from './check-activity.js';

/** A message that came from the bot. */
export interface TeamsMessage {
  /** Of its activity. */
  readonly id: string;
  /** As it is shown: of markup and of cards the words. */
  readonly text: string;
  /** Addresses of pictures and of linked files. */
  readonly media: readonly string[];
  readonly buttons: readonly TeamsButton[];
  readonly isCarousel: boolean;
  /** The activity that it answers. */
  readonly replyToId?: string;
}

/** What was sent, and how the program's webhook answered. */
export interface TeamsWritten {
  /** Of its activity. */
  readonly id: string;
  /** Of the webhook's answer. */
  readonly status: number;
}

/** What a conversation asks of the emulator. */
export interface TeamsNetwork {
  /** The activity without its frame. */
  happened(conversation: TeamsConversation, activity: Readonly<Record<string, unknown>>): Promise<number>;
  /** An id that was not given before. */
  newId(): string;
  /** Keeps a picture at the connector; gives its address there. */
  keep(bytes: Uint8Array, mimeType: string): string;
  readonly botName: string;
  readonly botId: string;
}

/** Who it is with. */
export interface TeamsConversationOptions {
  /** The person's. */
  readonly name: string;
  /** Of the conversation. */
  readonly id: string;
  /** As the bot knows the person. */
  readonly personId: string;
  /** `groupChat` where there are several people; the bot then has to be mentioned. */
  readonly type: 'personal' | 'groupChat';
}

/** One conversation of one person with the bot. Made by an emulator: `emulator.conversation('ada')`. */
export class TeamsConversation {
  readonly name: string;
  /** Of the conversation, as the bot knows it. */
  readonly id: string;
  readonly personId: string;
  readonly type: 'personal' | 'groupChat';
  /** The bot shows that it types. */
  isTypingShown = false;
  /** The person wants nothing of the bot any more. */
  isBlocked = false;
  readonly #network: TeamsNetwork;
  readonly #arrivals = new Arrivals<TeamsMessage>();
  readonly #current = new Map<string, TeamsMessage>();
  readonly #reactions = new Map<string, ReadonlySet<string>>();
  readonly #listeners = new Set<(message: TeamsMessage) => void>();
  readonly #takers = new Set<(id: string) => void>();

  constructor({ name, id, personId, type }: TeamsConversationOptions, network: TeamsNetwork) {
    this.name = name;
    this.id = id;
    this.personId = personId;
    this.type = type;
    this.#network = network;
  }

  /** Everything that stands there from the bot, oldest first: edited messages as they are now, deleted ones not at all. */
  get messages(): readonly TeamsMessage[] {
    return [...this.#current.values()];
  }

  /** How the bot has reacted, by activity: names such as `like`. */
  get reactions(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#reactions;
  }

  /** Writes to the bot; resolves when the program's webhook has answered. In a group the bot is mentioned. */
  write(text: string): Promise<TeamsWritten> {
    const { botName, botId } = this.#network;
    if (this.type === 'personal') return this.#send({ type: 'message', textFormat: 'plain', text: escaped(text) });
    const mention = `<at>${botName}</at>`;
    return this.#send({
      type: 'message',
      textFormat: 'plain',
      text: `${mention}&nbsp;${escaped(text)}`,
      entities: [{ type: 'mention', mentioned: { id: botId, name: botName }, text: mention }],
    });
  }

  /** Sends a file from OneDrive, as Teams describes it. */
  sendFile(name: string, downloadUrl: string): Promise<TeamsWritten> {
    const content = { downloadUrl, uniqueId: this.#network.newId(), fileType: name.split('.').at(-1) };
    const contentUrl = `https://contoso.sharepoint.com/personal/${encodeURIComponent(name)}`;
    return this.#send({
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.teams.file.download.info', contentUrl, name, content }],
    });
  }

  /** Pastes a picture: it lies at the connector, which gives it to the bot alone. */
  sendPicture(bytes: Uint8Array, mimeType = 'image/png'): Promise<TeamsWritten> {
    return this.#send({ type: 'message', attachments: [{ contentType: 'image/*', contentUrl: this.#network.keep(bytes, mimeType) }] });
  }

  /** Taps a button, by its label; of the newest message that has one. */
  async tap(label: string): Promise<TeamsWritten> {
    for (const message of [...this.messages].reverse()) {
      const button = message.buttons.find((one) => one.label === label && one.data !== undefined);
      if (button === undefined) continue;
      const { msteams, ...data } = button.data ?? {};
      const { type, text, value } = isFields(msteams) ? msteams : {};
      // A message back stands in the chat; what it brings is its own text and value.
      const brought = type === 'messageBack' ? { text: stringOf(text), textFormat: 'plain', value: value ?? data } : { value: data };
      return this.#send({ type: 'message', replyToId: message.id, ...brought });
    }
    throw new Error(`${this.name} has nothing to tap with the label '${label}'.`);
  }

  /** Reacts to a message, by the reaction's name such as `like`. */
  react(messageId: string, type: string): Promise<number> {
    return this.happen({ type: 'messageReaction', id: this.#network.newId(), replyToId: messageId, reactionsAdded: [{ type }] });
  }

  /** Takes a reaction back. */
  unreact(messageId: string, type: string): Promise<number> {
    return this.happen({ type: 'messageReaction', id: this.#network.newId(), replyToId: messageId, reactionsRemoved: [{ type }] });
  }

  /** Changes an own message. */
  edit(messageId: string, text: string): Promise<number> {
    return this.happen({ type: 'messageUpdate', id: messageId, text: escaped(text), channelData: { eventType: 'editMessage' } });
  }

  /** Takes an own message back. */
  remove(messageId: string): Promise<number> {
    return this.happen({ type: 'messageDelete', id: messageId, channelData: { eventType: 'softDeleteMessage' } });
  }

  /** The person installs the bot. */
  install(): Promise<number> {
    return this.happen({ type: 'conversationUpdate', id: this.#network.newId(), membersAdded: [{ id: this.#network.botId }, { id: this.personId }] });
  }

  /** Whatever else happens: an activity without its frame. */
  happen(activity: Readonly<Record<string, unknown>>): Promise<number> {
    return this.#network.happened(this, activity);
  }

  /** The next message that was not waited for yet and matches; rejects when none comes in time. */
  waitFor(match: string | RegExp = '', { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<TeamsMessage> {
    const matches = ({ text }: TeamsMessage): boolean => (typeof match === 'string' ? text.includes(match) : match.test(text));
    return this.#arrivals.next(matches, `A message to ${this.name} with ${String(match) || 'anything'}`, timeoutMs);
  }

  /** Called with each message that comes or changes from now on. Returns what stops it. */
  onMessage(listener: (message: TeamsMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called with the id of each message that is taken back from now on. Returns what stops it. */
  onTakenBack(listener: (id: string) => void): () => void {
    this.#takers.add(listener);
    return () => this.#takers.delete(listener);
  }

  /** A message arrives, or one that is there changes. Called by the emulator. */
  receive(message: TeamsMessage): void {
    this.isTypingShown = false;
    const isNew = !this.#current.has(message.id);
    this.#current.set(message.id, message);
    if (isNew) this.#arrivals.add(message);
    for (const listener of this.#listeners) listener(message);
  }

  /** A message is taken back. Called by the emulator. */
  takeBack(id: string): void {
    this.#current.delete(id);
    for (const listener of this.#takers) listener(id);
  }

  /** The bot reacts. Called by the emulator. */
  reacted(messageId: string, type: string, isAdded: boolean): void {
    const now = new Set(this.#reactions.get(messageId));
    if (isAdded) now.add(type);
    else now.delete(type);
    this.#reactions.set(messageId, now);
  }

  async #send(activity: Readonly<Record<string, unknown>>): Promise<TeamsWritten> {
    const id = this.#network.newId();
    return { id, status: await this.happen({ ...activity, id }) };
  }
}

/** Teams writes characters that would be markup as entities, also in plain text. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
