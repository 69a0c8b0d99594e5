/** The customer's side: bubbles, replies that grow while they are written, who is typing. */
import { textOf, type Acknowledgement, type WireEvent, type WireStream } from '../wire-client.js';
import { byId, element, Follower } from './dom.js';
import { authorOf, voiceOf } from './names.js';

export class Chat {
  readonly #bubbles = byId('bubbles', HTMLOListElement);
  readonly #welcome = byId('welcome', HTMLElement);
  readonly #typing = byId('typing', HTMLElement);
  readonly #typingName = byId('typing-name', HTMLElement);
  readonly #log = byId('chat-scroll', HTMLElement);
  readonly #follower = new Follower(this.#log);
  readonly #byEvent = new Map<string, HTMLElement>();
  readonly #streams = new Map<string, HTMLElement>();
  #lastAuthor = '';
  /** The next message takes the place of its preview and must not seem to arrive anew. */
  #tookPreview = false;
  #hideTyping: number | undefined;
  #first: number | undefined;

  constructor(private readonly me: { channelId: string; participantId: string }) {}

  add(event: WireEvent): void {
    this.#first ??= event.index;
    if (!isForPeople(event)) return;
    this.#welcome.hidden = true;
    const mine = this.#isMine(event.source);
    if (!mine) this.#setTyping(undefined);
    const item = this.#show(event);
    if (this.#tookPreview) item.classList.add('still');
    this.#tookPreview = false;
    const pending = this.#bubbles.querySelector('.pending');
    if (mine && pending !== null) pending.before(item);
    else this.#bubbles.append(item);
    this.#follower.follow();
  }

  /** Index of the first message it shows; undefined while there is none. */
  get first(): number | undefined {
    return this.#first;
  }

  /** Puts what was said before above what is shown. */
  addEarlier(events: readonly WireEvent[]): void {
    const lastAuthor = this.#lastAuthor;
    this.#lastAuthor = '';
    const items = events.filter(isForPeople).map((event) => this.#show(event));
    this.#lastAuthor = lastAuthor;
    this.#first = events[0]?.index ?? this.#first;
    this.#follower.holdStill(() => this.#bubbles.prepend(...items));
  }

  change(event: WireEvent): void {
    const bubble = this.#byEvent.get(event.id)?.querySelector('.bubble');
    if (bubble) bubble.textContent = textOf(event);
  }

  remove(eventId: string): void {
    this.#byEvent.get(eventId)?.remove();
    this.#byEvent.delete(eventId);
  }

  /** Shows a message at once; its event takes its place when the room has it. */
  sending(body: string): (outcome: Acknowledgement) => void {
    this.#welcome.hidden = true;
    const item = element('li', { class: 'mine pending' }, element('div', { class: 'bubble', dir: 'auto' }, body));
    this.#bubbles.append(item);
    this.#follower.jump();
    return ({ blocked, reason }) => {
      if (!blocked) {
        item.remove();
        return;
      }
      item.className = 'mine stopped';
      item.append(element('span', { class: 'note' }, `Not sent: ${reason ?? 'refused'}`));
      this.#follower.follow();
    };
  }

  /** A preview; readers of screens hear the finished message only. */
  stream({ streamId, source, text }: WireStream): void {
    this.#setTyping(undefined);
    const known = this.#streams.get(streamId);
    const item = known ?? this.#item(source, '', { keepAuthor: true });
    const bubble = item.querySelector('.bubble');
    bubble?.replaceChildren(text, element('span', { class: 'caret' }));
    if (known === undefined) {
      item.setAttribute('aria-hidden', 'true');
      item.classList.add('streaming');
      item.hidden = text === '';
      this.#streams.set(streamId, item);
      this.#bubbles.append(item);
    } else if (text !== '') item.hidden = false;
    this.#follower.follow();
  }

  streamEnd(streamId: string, withdrawn: boolean): void {
    this.#tookPreview = !withdrawn;
    this.#streams.get(streamId)?.remove();
    this.#streams.delete(streamId);
  }

  typing(channelOrParticipant: string, isTyping: boolean): void {
    if (channelOrParticipant === this.me.participantId) return;
    this.#setTyping(isTyping ? voiceOf(channelOrParticipant === 'sam' ? 'desk' : channelOrParticipant).name : undefined);
  }

  clear(): void {
    this.#bubbles.replaceChildren();
    this.#byEvent.clear();
    this.#streams.clear();
    this.#lastAuthor = '';
    this.#first = undefined;
  }

  /** Everything that was said is there: from now on new messages are read out, and an empty room says what it is for. */
  ready(): void {
    this.#log.setAttribute('aria-busy', 'false');
    this.#welcome.hidden = this.#bubbles.childElementCount > 0;
  }

  #show(event: WireEvent): HTMLElement {
    const item = this.#item(event.source, textOf(event));
    this.#byEvent.set(event.id, item);
    return item;
  }

  #item(source: WireEvent['source'], text: string, options: { keepAuthor?: boolean } = {}): HTMLElement {
    const voice = authorOf(source);
    const mine = this.#isMine(source);
    const author = mine ? 'me' : source.channelId;
    const isNew = author !== this.#lastAuthor;
    if (options.keepAuthor !== true) this.#lastAuthor = author;
    return element(
      'li',
      { class: mine ? 'mine' : 'theirs' },
      !mine && isNew && element('span', { class: 'author' }, `${voice.name} · ${voice.via}`),
      element('div', { class: 'bubble', dir: 'auto' }, text),
    );
  }

  #isMine(source: WireEvent['source']): boolean {
    return source.channelId === this.me.channelId && (source.participantId ?? this.me.participantId) === this.me.participantId;
  }

  #setTyping(name: string | undefined): void {
    window.clearTimeout(this.#hideTyping);
    this.#typing.hidden = name === undefined;
    if (name === undefined) return;
    this.#typingName.textContent = `${name} is typing`;
    // Typing ends by itself when it is not renewed (WIRE-10).
    this.#hideTyping = window.setTimeout(() => this.#setTyping(undefined), 6000);
    this.#follower.follow();
  }
}

function isForPeople(event: WireEvent): boolean {
  return event.type === 'message' && event.content.type !== 'system';
}
