/** The room's timeline as its host sees it: hidden and blocked events too, and why each became what it is. */
import { textOf, type WireEvent, type WireStream } from '../wire-client.js';
import type { Trace } from './api.js';
import { explain } from './detail.js';
import { byId, element, Follower } from './dom.js';
import { clock, elapsed, milliseconds, shorten } from './figures.js';
import { authorOf, voiceOf } from './names.js';

interface Entry {
  event: WireEvent;
  /** The row before it. */
  readonly before: WireEvent | undefined;
  trace: Trace | null;
  readonly item: HTMLLIElement;
}

/** A place in the list where events are put one after the other. */
interface Place {
  newest: WireEvent | undefined;
  /** Operations on channels say little: one line for all that follow each other. */
  fold: { readonly list: HTMLOListElement; readonly summary: HTMLElement; readonly index: HTMLElement; readonly events: WireEvent[] } | undefined;
  readonly insert: (item: HTMLLIElement) => void;
}

export class Timeline {
  readonly #list = byId('timeline', HTMLOListElement);
  readonly #followButton = byId('follow', HTMLButtonElement);
  readonly #follower = new Follower(byId('room-scroll', HTMLElement), (following) => (this.#followButton.hidden = following));
  readonly #entries = new Map<string, Entry>();
  /** Rows by the event that caused theirs: what a turn did is known of its cause. */
  readonly #caused = new Map<string, Entry[]>();
  readonly #writing = new Map<string, HTMLLIElement>();
  #end = this.#placeBefore(() => this.#writing.values().next().value ?? null);
  #first: number | undefined;

  constructor(private readonly customerChannelId: string) {
    this.#followButton.addEventListener('click', () => this.#follower.jump());
    this.#list.addEventListener('keydown', (event) => this.#walk(event));
  }

  add(event: WireEvent): void {
    this.#first ??= event.index;
    this.#put(event, this.#end);
    this.#follower.follow();
  }

  /** Index of the first event it shows; undefined while there is none. */
  get first(): number | undefined {
    return this.#first;
  }

  /** Puts what happened before above what is shown. */
  addEarlier(events: readonly WireEvent[]): void {
    const top = this.#list.firstChild;
    this.#first = events[0]?.index ?? this.#first;
    this.#follower.holdStill(() => {
      const place = this.#placeBefore(() => top);
      for (const event of events) this.#put(event, place);
    });
  }

  change(event: WireEvent): void {
    const entry = this.#entries.get(event.id);
    if (entry === undefined) return;
    entry.event = event;
    this.#draw(entry);
  }

  remove(eventId: string): void {
    this.#entries.get(eventId)?.item.remove();
    this.#entries.delete(eventId);
  }

  /** What was decided about an event; what its turn did shows on the reply as well. */
  explain(eventId: string, trace: Trace): void {
    const entry = this.#entries.get(eventId);
    if (entry === undefined) return;
    entry.trace = trace;
    this.#draw(entry);
    for (const caused of this.#caused.get(eventId) ?? []) this.#draw(caused);
    this.#follower.follow();
  }

  stream({ streamId, source, text }: WireStream): void {
    let item = this.#writing.get(streamId);
    if (item === undefined) {
      item = element('li', { class: 'event writing', 'aria-hidden': 'true' });
      this.#writing.set(streamId, item);
      this.#list.append(item);
    }
    const voice = authorOf(source);
    item.replaceChildren(
      element(
        'div',
        { class: 'row' },
        element('span', { class: 'index' }, '…'),
        element('span', { class: 'since' }),
        glyph(source.channelId),
        element(
          'div',
          { class: 'body depth' },
          element('span', { class: 'who' }, voice.name),
          element('span', { class: 'via' }, `${voice.via} · writing`),
          element('div', { class: 'words', dir: 'auto' }, text, element('span', { class: 'caret' })),
        ),
      ),
    );
    this.#follower.follow();
  }

  streamEnd(streamId: string): void {
    this.#writing.get(streamId)?.remove();
    this.#writing.delete(streamId);
  }

  /** Shows only what the customer's channel may see. */
  filter(on: boolean): void {
    this.#list.toggleAttribute('data-filtered', on);
    this.#follower.follow();
  }

  clear(): void {
    this.#list.replaceChildren();
    this.#entries.clear();
    this.#caused.clear();
    this.#writing.clear();
    this.#end = this.#placeBefore(() => this.#writing.values().next().value ?? null);
    this.#first = undefined;
  }

  #placeBefore(next: () => Node | null): Place {
    return { newest: undefined, fold: undefined, insert: (item) => this.#list.insertBefore(item, next()) };
  }

  #put(event: WireEvent, place: Place): void {
    if (isOperation(event)) {
      addToFold(event, place);
      return;
    }
    const entry: Entry = { event, before: place.newest, trace: null, item: element('li') };
    place.fold = undefined;
    place.newest = event;
    this.#entries.set(event.id, entry);
    if (event.parentEventId !== undefined) this.#caused.set(event.parentEventId, [...(this.#caused.get(event.parentEventId) ?? []), entry]);
    this.#draw(entry);
    place.insert(entry.item);
  }

  #draw(entry: Entry): void {
    const { event, item } = entry;
    const isOpen = item.classList.contains('open');
    const hasFocus = item.contains(document.activeElement);
    item.className = [
      'event',
      event.status === 'blocked' && 'blocked',
      isHandoff(event) && 'handoff',
      isQuiet(event) && 'quiet',
      isOpen && 'open',
      !this.#isSeenByCustomer(event) && 'unseen',
    ]
      .filter(Boolean)
      .join(' ');
    item.dataset['eventId'] = event.id;
    item.dataset['index'] = String(event.index);
    const row = element(
      'button',
      { class: 'row', type: 'button', 'aria-expanded': String(isOpen) },
      ...(isHandoff(event) ? handoffCells(event) : this.#cells(entry)),
    );
    row.addEventListener('click', () => {
      item.classList.toggle('open');
      this.#draw(entry);
    });
    item.replaceChildren(row, ...(isOpen ? [explain(event, entry.trace)] : []));
    if (hasFocus) row.focus({ preventScroll: true });
  }

  #cells({ event, before, trace }: Entry): HTMLElement[] {
    const voice = authorOf(event.source);
    const steps = this.#stepsOf(event);
    return [
      element('span', { class: 'index' }, String(event.index)),
      element(
        'span',
        { class: 'since' },
        before === undefined ? clock(event.createdAt) : elapsed(Date.parse(event.createdAt) - Date.parse(before.createdAt)),
      ),
      glyph(event.source.channelId),
      element(
        'span',
        {
          class: event.chainDepth > 0 ? 'body depth' : 'body',
          style: event.chainDepth > 1 ? `margin-left: ${(event.chainDepth - 1) * 10}px` : undefined,
        },
        element('span', { class: 'who' }, voice.name),
        element('span', { class: 'via' }, viaOf(event, voice.via)),
        ...steps
          .filter(({ kind }) => kind === 'tool')
          .map(({ name, ms }) => element('span', { class: 'marks' }, element('span', { class: 'mark tool' }, `${name} · ${milliseconds(ms)}`))),
        element('span', { class: 'words', dir: 'auto' }, textOf(event)),
        element('span', { class: 'marks' }, ...marksOf(event, trace)),
      ),
      element('span', { class: 'outcome' }, element('span', { class: 'reach' }, ...reachOf(event, trace)), kindOf(event)),
    ];
  }

  /** What the turn that wrote this event did; the kit notes it on the event that caused the turn. */
  #stepsOf(event: WireEvent): Trace['turnSteps'] {
    const cause = event.parentEventId === undefined ? undefined : this.#entries.get(event.parentEventId);
    return cause?.trace?.turnSteps.filter(({ channelId }) => channelId === event.source.channelId) ?? [];
  }

  #isSeenByCustomer(event: WireEvent): boolean {
    if (event.status === 'blocked' || event.content.type === 'system') return false;
    if (event.source.channelId === this.customerChannelId) return true;
    return (
      event.visibility === 'all' || event.visibility === 'transport' || event.visibility.split(',').some((id) => id.trim() === this.customerChannelId)
    );
  }

  /** j and k walk the rows, as they do in many lists. */
  #walk(event: KeyboardEvent): void {
    const step = event.key === 'j' || event.key === 'ArrowDown' ? 1 : event.key === 'k' || event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...this.#list.querySelectorAll<HTMLElement>('button.row, summary')].filter((row) => row.offsetParent !== null);
    const next = rows[rows.indexOf(document.activeElement as HTMLElement) + step]; // −1 + 1 is the first row
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  }
}

function addToFold(event: WireEvent, place: Place): void {
  if (place.fold === undefined) {
    const fold = { list: element('ol'), summary: element('summary'), index: element('span', { class: 'index' }), events: [] };
    place.fold = fold;
    place.insert(element('li', { class: 'fold unseen' }, fold.index, element('details', {}, fold.summary, fold.list)));
  }
  const { list, summary, index, events } = place.fold;
  events.push(event);
  list.append(element('li', {}, `${event.index} · ${textOf(event)}`));
  const from = events[0]?.index ?? event.index;
  index.textContent = from === event.index ? String(from) : `${from}–${event.index}`;
  const attached = events.filter(({ type }) => type === 'channel_attached').length;
  const rest = events.length - attached;
  summary.textContent = [
    attached > 0 && `${attached} channel${attached === 1 ? '' : 's'} attached`,
    rest > 0 && `${rest} change${rest === 1 ? '' : 's'}`,
  ]
    .filter(Boolean)
    .join(' · ');
}

function isHandoff(event: WireEvent): boolean {
  return event.metadata['handoff'] === true;
}

function isOperation(event: WireEvent): boolean {
  return event.type.startsWith('channel_') || event.type.startsWith('participant_');
}

/** Neither a message for people nor a handoff. */
function isQuiet(event: WireEvent): boolean {
  return event.content.type === 'system' || isWhisper(event);
}

function isWhisper(event: WireEvent): boolean {
  return event.visibility !== 'all' && event.visibility !== 'internal';
}

function viaOf(event: WireEvent, via: string): string {
  return isWhisper(event) ? `${via} · seen by ${event.visibility} only` : via;
}

function handoffCells(event: WireEvent): HTMLElement[] {
  const from = voiceOf(String(event.metadata['from_agent'])).name;
  const to = voiceOf(String(event.metadata['to_agent'])).name;
  const reason = typeof event.metadata['reason'] === 'string' ? event.metadata['reason'] : '';
  const words = element(
    'span',
    {},
    element('b', {}, from),
    ' handed over to ',
    element('b', {}, to),
    reason !== '' && element('em', {}, ` — ${shorten(reason, 64)}`),
  );
  return [element('span', { class: 'index' }, String(event.index)), element('span', { class: 'change' }, words), kindOf(event)];
}

/** How far it came, who may see it, and how many causes lie before it. */
function kindOf(event: WireEvent): HTMLElement {
  return element('span', { class: 'kind' }, `${event.status} · ${event.visibility} · depth ${event.chainDepth}`);
}

function glyph(channelId: string): HTMLElement {
  const voice = voiceOf(channelId);
  return element('span', { class: `glyph ${voice.kind}`, title: `${voice.name}, ${voice.via}` }, voice.glyph);
}

/** What hooks did, when they did anything, and how far from an ordinary event this one is. */
function marksOf(event: WireEvent, trace: Trace | null): HTMLElement[] {
  const marks: HTMLElement[] = [];
  const said = { modify: 'rewrote this', block: 'blocked this', failed: 'failed', timeout: 'took too long' } as const;
  for (const { hook, verdict, ms } of trace?.hooks ?? []) {
    if (hook === 'conversation_router') continue; // it only notes who is to answer
    marks.push(
      verdict === 'allow'
        ? element('span', { class: 'mark allow' }, `${hook} ✓`)
        : element('span', { class: `mark ${verdict}` }, `${hook} ${said[verdict]} · ${milliseconds(ms)}`),
    );
  }
  if (event.status === 'blocked' && !marks.some((mark) => mark.classList.contains('block'))) {
    marks.push(element('span', { class: 'mark block' }, `blocked by ${event.blockedBy ?? 'a rule'}`));
  }
  if (event.visibility === 'internal' && !isHandoff(event)) marks.push(element('span', { class: 'mark' }, 'internal'));
  if (event.metadata['partial'] === true) marks.push(element('span', { class: 'mark failed' }, 'cut off'));
  return marks;
}

/** Who received it, and how that went. */
function reachOf(event: WireEvent, trace: Trace | null): HTMLElement[] {
  if (event.status === 'blocked') return [element('span', {}, 'nobody')];
  const outcomes = new Map<string, string>();
  for (const [channelId, { status }] of Object.entries(event.deliveryResults ?? {})) outcomes.set(channelId, status);
  for (const { channelId, code } of trace?.deliveries ?? []) outcomes.set(channelId, code === 'sent' ? 'sent' : 'failed');
  const ticks: Readonly<Record<string, string>> = { sent: '✓', delivered: '✓✓', read: '✓✓', queued: '…', unknown: '?', failed: '!', skipped: '–' };
  return [...outcomes].map(([channelId, status]) =>
    element('span', { class: status, title: `${voiceOf(channelId).via}: ${status}` }, `${channelId} ${ticks[status] ?? status}`),
  );
}
