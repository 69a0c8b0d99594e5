/**
 * People end messages by a word, and carriers and the law hold a sender to it. The guard reads these words before any agent does,
 * remembers per organization and address who has opted out, and lets nothing out to them.
 */
import { isoTime } from '../../core/clock.js';
import { DeliveryError, errorMessage, NotSupportedError, ValidationError } from '../../core/errors.js';
import { HookResult } from '../../core/hooks/verdict.js';
import type { RoomKit } from '../../core/kit.js';
import type { CheckedDelivery } from '../../core/delivery/check.js';
import { checkOptionNames } from '../../core/option-names.js';
import type { ChannelBinding } from '../../core/models/binding.js';
import type { RoomEvent } from '../../core/models/event.js';
import { isPromise, type Awaitable, type Metadata } from '../../core/models/json.js';
import type { ChannelType } from '../../core/models/vocabulary.js';
import type { RoomContext } from '../../core/rooms/context.js';
import { keyOf, optOutOf, plainAddress, prefixOf, type OptOut } from './record.js';
import { OptOutWords, type OptOutLanguage, type OptOutRequest } from './words.js';

/** Whom it looks after, by which words, and what it answers. */
export interface OptOutGuardOptions {
  /** Default `sms`, `rcs` and `whatsapp`. */
  readonly channelTypes?: readonly ChannelType[];
  /** Words and answers by language tag; `en` replaces the English answers. English words always count. Default none. */
  readonly languages?: Readonly<Record<string, OptOutLanguage>>;
  /**
   * The one spelling under which an address is remembered. Default: without `rcs:`, `whatsapp:` and their like, numbers in digits with `+`.
   * With numbers in national spelling give `(address) => normalizePhone(address, 'CA')` of `roomkit/phone`.
   */
  readonly addressOf?: (address: string, channelType: ChannelType) => string;
  /** Told after each change. What it throws is logged. Default nobody. */
  readonly onChange?: (change: OptOutChange) => void | Promise<void>;
}

/** Somebody opted out, or in again. */
export interface OptOutChange extends OptOut {
  readonly isOptedOut: boolean;
}

/** What the guard uses of the kit. */
export type OptOutKit = Pick<RoomKit, 'hook' | 'checkDeliveries' | 'store' | 'clock' | 'logger'>;

/** Whose address it is, and of which organization. */
export interface OptOutQuery {
  readonly organizationId?: string;
  /** Default `sms`; for an `addressOf` that looks at it. */
  readonly channelType?: ChannelType;
}

/** The metadata key of the guard's own answers: they go out to who has opted out. */
const ANSWER = '_opt_out_answer';
/** Before every other hook: nothing may come between a person's word and its record. */
const PRIORITY = -10_000;

/**
 * Stops messages to who said so. Install it once per kit, before rooms are in use.
 * @example new OptOutGuard({ languages: { fr: { stop: ['ARRET'] } } }).install(kit)
 */
export class OptOutGuard {
  readonly channelTypes: readonly ChannelType[];
  readonly #words: OptOutWords;
  readonly #addressOf: NonNullable<OptOutGuardOptions['addressOf']>;
  readonly #onChange: OptOutGuardOptions['onChange'];
  /** What the store could not take: counts until it can. */
  readonly #unsaved = new Map<string, Metadata | null>();
  #kit: OptOutKit | undefined;

  constructor(options: OptOutGuardOptions = {}) {
    checkOptionNames('new OptOutGuard(…)', options, { channelTypes: true, languages: true, addressOf: true, onChange: true });
    this.channelTypes = options.channelTypes ?? ['sms', 'rcs', 'whatsapp'];
    this.#words = new OptOutWords(options.languages ?? {});
    this.#addressOf = options.addressOf ?? plainAddress;
    this.#onChange = options.onChange;
  }

  /** Returns what removes it again; who has opted out stays remembered. Throws NotSupportedError when the store keeps no facts. */
  install(kit: OptOutKit): () => void {
    if (this.#kit !== undefined) throw new ValidationError('This OptOutGuard is installed already. Make one for each kit.');
    if (kit.store.getFact === undefined || kit.store.putFact === undefined) {
      throw new NotSupportedError(
        `The store '${kit.store.name}' keeps no facts, so opt-outs would be forgotten. Use SqliteStore, or give your store getFact, putFact and listFacts.`,
      );
    }
    this.#kit = kit;
    const removeHook = kit.hook(
      'before_broadcast',
      { name: 'opt_out_guard', priority: PRIORITY, directions: ['inbound'], preview: true },
      (event, context) => this.#read(event, context) ?? HookResult.allow(),
    );
    const removeCheck = kit.checkDeliveries((delivery) => this.#check(delivery), { channelTypes: this.channelTypes });
    return () => {
      removeHook();
      removeCheck();
      this.#kit = undefined;
    };
  }

  /** When and how somebody opted out; null when messages may go to them. */
  async find(address: string, query: OptOutQuery = {}): Promise<OptOut | null> {
    return this.#find(keyOf(query.organizationId, this.#plain(address, query.channelType ?? 'sms')));
  }

  /** Notes that somebody said so elsewhere: on the phone, in a form, in the list you bring along. */
  async optOut(address: string, query: OptOutQuery = {}): Promise<void> {
    await this.#change('stop', { address: this.#plain(address, query.channelType ?? 'sms'), ...organization(query.organizationId), by: 'host' });
  }

  /** Notes that somebody wants messages again. */
  async optIn(address: string, query: OptOutQuery = {}): Promise<void> {
    await this.#change('start', { address: this.#plain(address, query.channelType ?? 'sms'), ...organization(query.organizationId), by: 'host' });
  }

  /** All who have opted out of one organization, or of none, page by page. */
  async list(query: { readonly organizationId?: string; readonly after?: OptOut; readonly limit?: number } = {}): Promise<readonly OptOut[]> {
    const facts = await this.#installed.store.listFacts?.({
      prefix: prefixOf(query.organizationId),
      ...(query.after !== undefined && { after: keyOf(query.organizationId, query.after.address) }),
      ...(query.limit !== undefined && { limit: query.limit }),
    });
    return (facts ?? []).flatMap(({ fact }) => optOutOf(fact) ?? []);
  }

  /** Undefined for everything but these words: almost every message. */
  #read(event: RoomEvent, context: RoomContext): Promise<HookResult<RoomEvent>> | undefined {
    const { source, content, metadata } = event;
    const binding = context.getBinding(source.channelId);
    if (binding === undefined || !this.channelTypes.includes(binding.channelType) || event.type !== 'message') return undefined;
    const byCarrier = carrierRequest(metadata['opt_out_type']);
    const found = content.type === 'text' ? this.#words.read(typedOf(content.body, metadata['action'])) : undefined;
    const request = byCarrier ?? found?.request;
    if (request === undefined) return undefined;
    const address = addressOfSender(event, context, binding.address);
    if (address === undefined) return undefined;
    const { organizationId } = context.room;
    const person = {
      address: this.#plain(address, binding.channelType),
      ...organization(organizationId),
      by: byCarrier === undefined ? ('person' as const) : ('carrier' as const),
      ...(found !== undefined && { word: found.word }),
      channelId: binding.channelId,
      roomId: event.roomId,
    };
    return this.#answered(event, request, person, found?.language ?? 'en');
  }

  async #answered(event: RoomEvent, request: OptOutRequest, person: Omit<OptOut, 'at'>, language: string): Promise<HookResult<RoomEvent>> {
    const isNews = request === 'help' || (await this.#change(request, person)) || request === 'start';
    // Nobody is told twice that nothing comes any more; where the carrier has answered, it has been said.
    const body = isNews && person.by !== 'carrier' ? this.#words.answer(request, language) : null;
    const { action: _action, ...metadata } = event.metadata;
    const own: RoomEvent = { ...event, addressedTo: [], metadata: { ...metadata, opt_out: request, _for_no_agent: true } };
    if (body === null || person.channelId === undefined) return HookResult.modify(own);
    const answer = { content: { type: 'text' as const, body, language }, metadata: { opt_out: request, [ANSWER]: true } };
    return HookResult.modify(own, { injectedEvents: [{ event: answer, targetChannelIds: [person.channelId] }] });
  }

  #check({ event, binding, context }: CheckedDelivery): Awaitable<void> {
    if (binding.address === undefined || event.metadata[ANSWER] === true) return;
    const found = this.#find(keyOf(context.room.organizationId, this.#plain(binding.address, binding.channelType)));
    return isPromise(found) ? found.then((optOut) => refuse(optOut, binding)) : refuse(found, binding);
  }

  /** At once where the store answers at once: it is asked for every message that goes out. */
  #find(key: string): Awaitable<OptOut | null> {
    const unsaved = this.#unsaved.get(key);
    const fact = unsaved === undefined ? (this.#installed.store.getFact?.(key) ?? null) : unsaved;
    return isPromise(fact) ? fact.then(optOutOf) : optOutOf(fact);
  }

  /** Returns whether anything is different now. */
  async #change(request: 'stop' | 'start', person: Omit<OptOut, 'at'>): Promise<boolean> {
    const { clock, logger } = this.#installed;
    const key = keyOf(person.organizationId, person.address);
    const isOptedOut = request === 'stop';
    if (await this.#isAlready(key, isOptedOut)) return false;
    const record: OptOut = { ...person, at: isoTime(clock.now()) };
    this.#unsaved.set(key, isOptedOut ? { ...record } : null);
    await this.#save();
    try {
      await this.#onChange?.({ ...record, isOptedOut });
    } catch (error) {
      logger.error('The listener of opt-outs failed.', { error: errorMessage(error) });
    }
    return true;
  }

  async #isAlready(key: string, isOptedOut: boolean): Promise<boolean> {
    try {
      return ((await this.#find(key)) !== null) === isOptedOut;
    } catch (error) {
      this.#installed.logger.error('It could not be read whether somebody has opted out; their word is taken for news.', {
        error: errorMessage(error),
      });
      return false;
    }
  }

  /** Everything that is not in the store yet, with what failed before. */
  async #save(): Promise<void> {
    const { store, logger } = this.#installed;
    for (const [key, fact] of [...this.#unsaved]) {
      try {
        await store.putFact?.(key, fact);
        if (this.#unsaved.get(key) === fact) this.#unsaved.delete(key);
      } catch (error) {
        logger.error('An opt-out could not be stored; it counts in this process and is tried again with the next one.', {
          error: errorMessage(error),
        });
        return;
      }
    }
  }

  #plain(address: string, channelType: ChannelType): string {
    try {
      return this.#addressOf(address, channelType);
    } catch {
      return plainAddress(address, channelType); // what is no number for the host's rule is still somebody's address
    }
  }

  get #installed(): OptOutKit {
    if (this.#kit === undefined) throw new ValidationError('This OptOutGuard is not installed. Call guard.install(kit) first.');
    return this.#kit;
  }
}

function refuse(optOut: OptOut | null, { channelId, roomId }: ChannelBinding): void {
  if (optOut === null) return;
  throw new DeliveryError(
    'opted_out',
    `Whom channel '${channelId}' reaches in room '${roomId}' has opted out (${optOut.at}). Nothing is sent until they write START, or you call guard.optIn(address).`,
    { retryable: false },
  );
}

function organization(organizationId: string | undefined): { organizationId?: string } {
  return organizationId === undefined ? {} : { organizationId };
}

/** What the vendor's parser says of a message that the carrier answered by itself. */
function carrierRequest(type: unknown): OptOutRequest | undefined {
  const word = typeof type === 'string' ? type.toLowerCase() : undefined;
  return word === 'stop' || word === 'start' || word === 'help' ? word : undefined;
}

/** A tap on a button that says `Cancel` ends no messages; who typed a number or label is taken at that (TRC-05). */
function typedOf(body: string, action: unknown): string {
  if (typeof action !== 'object' || action === null) return body;
  return 'typed' in action && typeof action.typed === 'string' ? action.typed : '';
}

/** Under its address a person is known to the carrier; an identified participant may bear another name. */
function addressOfSender({ source }: RoomEvent, context: RoomContext, reached: string | undefined): string | undefined {
  const { participantId } = source;
  if (participantId === undefined) return undefined; // nobody's: the host speaks over the channel
  const participant = context.participants.find(({ id }) => id === participantId);
  if (participant?.identityId === undefined) return participantId;
  return participant.channelId === source.channelId && participant.externalId !== undefined ? participant.externalId : (reached ?? participantId);
}
