/** The customer's chat, drawn from a room of `roomkit/client`: bubbles, answers while they are written, who types, what waits or was refused. */
import { textOf, type ClientRoom, type PendingSend, type WireEvent } from 'roomkit/client';
import { CUSTOMER, knownName } from '../cast.js';
import { byId, element } from './dom.js';

interface Bubble {
  readonly key: string;
  /** ISO time. */
  readonly at?: string;
  /** Undefined: the customer's own. */
  readonly author: string | undefined;
  readonly text: string;
  readonly state: 'said' | 'deleted' | 'writing' | 'waiting' | 'refused';
  readonly note?: string;
}

/** So near to the end counts as there. */
const NEAR = 40;

export class Chat {
  readonly #log = byId('log', HTMLElement);
  readonly #list = byId('bubbles', HTMLOListElement);
  readonly #welcome = byId('welcome', HTMLElement);
  readonly #earlier = byId('earlier', HTMLButtonElement);
  readonly #typing = byId('typing', HTMLElement);
  readonly #typingName = byId('typing-name', HTMLElement);
  /** What is drawn of each bubble, to draw only what changed. */
  readonly #drawn = new Map<string, { readonly item: HTMLLIElement; readonly as: string }>();
  #isAtEnd = true;

  constructor(private readonly room: ClientRoom) {
    room.subscribe(() => this.#draw());
    this.#earlier.addEventListener('click', () => void room.loadOlder().catch(() => undefined)); // without a server the banner says so
    this.#log.addEventListener('scroll', () => (this.#isAtEnd = this.#below() - this.#log.clientHeight < NEAR), { passive: true });
    new ResizeObserver(() => this.#keepEnd()).observe(this.#log);
  }

  /** What somebody just said is looked at, wherever they were. */
  toEnd(): void {
    this.#isAtEnd = true;
    this.#keepEnd();
  }

  #draw(): void {
    const { snapshot, messages, streams, outbox, typers } = this.room;
    const refused = outbox.filter(({ state }) => state === 'refused');
    const bubbles = [
      ...inTime(messages.filter(({ content }) => content.type !== 'system').map(bubbleOf), refused.map(pendingOf)),
      ...streams.map(({ streamId, source, text }) => ({ key: streamId, author: authorOf(source), text, state: 'writing' as const })),
      ...outbox.filter((pending) => !refused.includes(pending)).map(pendingOf),
    ].filter(({ text, state }) => text !== '' || state === 'deleted');

    const first = this.#list.firstElementChild;
    const below = this.#below();
    this.#show(bubbles);
    const others = typers.filter(({ participantId }) => !streams.some(({ source }) => source.channelId === participantId));
    this.#typing.hidden = others.length === 0;
    this.#typingName.textContent = `${others.map(({ participantId, displayName }) => displayName ?? knownName(participantId) ?? participantId).join(', ')} ${others.length > 1 ? 'are' : 'is'} typing`;
    this.#earlier.hidden = !snapshot.hasOlder;
    this.#earlier.disabled = snapshot.isLoadingOlder;
    if (snapshot.status === 'live') {
      this.#log.setAttribute('aria-busy', 'false'); // from now on new messages are read out
      this.#welcome.hidden = bubbles.length > 0;
      document.body.toggleAttribute('data-begun', bubbles.length > 0);
    }
    // What the reader looks at stays in its place when something is added above it.
    if (this.#isAtEnd) this.#keepEnd();
    else if (first !== this.#list.firstElementChild) this.#log.scrollTop = this.#log.scrollHeight - below;
  }

  #show(bubbles: readonly Bubble[]): void {
    const keys = new Set(bubbles.map(({ key }) => key));
    for (const [key, { item }] of this.#drawn) {
      if (keys.has(key)) continue;
      item.remove();
      this.#drawn.delete(key);
    }
    let place = this.#list.firstElementChild;
    let before: string | undefined;
    for (const bubble of bubbles) {
      const item = this.#itemOf(bubble, bubble.author !== undefined && bubble.author !== before);
      before = bubble.author;
      if (item === place) place = place.nextElementSibling;
      else this.#list.insertBefore(item, place);
    }
  }

  #itemOf(bubble: Bubble, isFirst: boolean): HTMLLIElement {
    const { key, author, text, state, note } = bubble;
    const as = JSON.stringify([author, text, state, note, isFirst]);
    const known = this.#drawn.get(key);
    if (known?.as === as) return known.item;
    const item = known?.item ?? element('li');
    item.className = `${author === undefined ? 'mine' : 'theirs'} ${state}`;
    item.toggleAttribute('aria-hidden', false);
    if (state === 'writing') item.setAttribute('aria-hidden', 'true'); // readers of screens hear the finished message only
    item.replaceChildren(
      ...(isFirst && author !== undefined ? [element('span', { class: 'author' }, author)] : []),
      element(
        'div',
        { class: 'bubble', dir: 'auto' },
        state === 'deleted' ? 'This message was deleted.' : text,
        state === 'writing' && element('i', { class: 'caret' }),
      ),
      ...(note === undefined ? [] : [this.#refusal(key, note)]),
    );
    this.#drawn.set(key, { item, as });
    return item;
  }

  #refusal(key: string, note: string): HTMLElement {
    const button = element('button', { type: 'button' }, 'Remove');
    button.addEventListener('click', () => this.room.discard(key));
    return element('span', { class: 'note' }, note, button);
  }

  /** From the top of what is seen to the end of all. */
  #below(): number {
    return this.#log.scrollHeight - this.#log.scrollTop;
  }

  #keepEnd(): void {
    if (this.#isAtEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }
}

function bubbleOf(event: WireEvent): Bubble {
  const isDeleted = event.metadata['deleted'] === true;
  return { key: event.id, at: event.createdAt, author: authorOf(event.source), text: textOf(event), state: isDeleted ? 'deleted' : 'said' };
}

function pendingOf({ id, content, state, reason, createdAt }: PendingSend): Bubble {
  const isRefused = state === 'refused';
  return {
    key: id,
    at: createdAt,
    author: undefined,
    text: textOf(content),
    state: isRefused ? 'refused' : 'waiting',
    ...(isRefused && { note: `Not sent: ${reason ?? 'refused'}` }),
  };
}

/** What was refused stays where it was said; the messages keep their order. */
function inTime(messages: readonly Bubble[], refused: readonly Bubble[]): Bubble[] {
  const all = [...messages];
  for (const one of refused) {
    let at = all.length;
    while (at > 0 && (all[at - 1]?.at ?? '') > (one.at ?? '')) at--;
    all.splice(at, 0, one);
  }
  return all;
}

function authorOf({ channelId, participantId, displayName }: WireEvent['source']): string | undefined {
  if (channelId === CUSTOMER.channelId && (participantId ?? CUSTOMER.participantId) === CUSTOMER.participantId) return undefined;
  return displayName ?? knownName(channelId) ?? channelId;
}
