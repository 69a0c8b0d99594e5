/** Messages of a linked WhatsApp, as they come (behaviour §22, WP-01, WP-04). */
import { SystemClock, type Clock } from '../../core/clock.js';
import { ProviderError, RoomKitError, ValidationError } from '../../core/errors.js';
import type { InboundMessage } from '../../core/models/delivery.js';
import type { SourceStatus } from '../../core/models/vocabulary.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import type { SourceEmit, SourceHealth, SourceProvider, SourceStartOptions } from '../../core/sources/source.js';
import { DEFAULT_MAX_CONCURRENT_EMITS } from '../_shared/source/intake.js';
import { checkCount, checkSeconds } from '../_shared/source/options.js';
import { SourceRecord } from '../_shared/source/record.js';
import { isConversation, messageKey, withoutDevice } from './addresses.js';
import type {
  WhatsAppArrival,
  WhatsAppClosedReason,
  WhatsAppPersonalDriver,
  WhatsAppPersonalEvent,
  WhatsAppPersonalMessage,
  WhatsAppReceipt,
} from './driver.js';
import { HeldMedia } from './held-media.js';
import { fetchFile } from './fetch-file.js';
import { inboundMessage, readOf, typingOf } from './inbound.js';
import { InOrder } from './in-order.js';
import { Memory } from './memory.js';
import type { Shared } from './shared.js';

/** What {@link WhatsAppPersonalSource} is made with, beside its driver. */
export interface WhatsAppPersonalSourceOptions {
  /** The channel that its messages come in by; also the one that it is attached to. */
  readonly channelId: string;
  /** Take what the account's owner writes to themselves, in the chat that WhatsApp has for that. Default false: own messages are skipped. */
  readonly selfChat?: boolean;
  /** Take what is written in groups. Default true. */
  readonly groups?: boolean;
  /** Messages older than this are not taken: nobody wants them answered any more. Default 86400, a day. */
  readonly maxAgeSeconds?: number;
  /** The largest file that is taken over; of others a note says that there was one. Default 16 MiB. */
  readonly maxMediaBytes?: number;
  /** For fetching one file. Default 60. */
  readonly mediaTimeoutSeconds?: number;
  /** For tests. */
  readonly clock?: Clock;
}

const FEATURE = 'WhatsAppPersonalSource';
const SHARED = new WeakMap<WhatsAppPersonalSource, Shared>();

const NAMES: OptionNames<WhatsAppPersonalSourceOptions> = {
  channelId: true,
  selfChat: true,
  groups: true,
  maxAgeSeconds: true,
  maxMediaBytes: true,
  mediaTimeoutSeconds: true,
  clock: true,
};

const DEFAULTS = { selfChat: false, groups: true, maxAgeSeconds: 86_400, maxMediaBytes: 16 * 1024 * 1024, mediaTimeoutSeconds: 60 };

/** When a message is offered again that the kit could not take. */
const AGAIN_SECONDS = [1, 5, 30];

/** What only the operator can mend, in words. */
const WAITS: Partial<Record<WhatsAppClosedReason, string>> = {
  logged_out: 'WhatsApp has logged this device out. Call forgetSession() on the source, detach and attach it, and link it anew.',
  banned: 'WhatsApp refuses this account: it is barred, for a time or for good. Open WhatsApp on the phone to see why.',
  replaced: 'Another program uses this session now. End that one, then detach and attach the source; two take turns in throwing each other out.',
  outdated:
    'WhatsApp takes this client no longer. Install the version of the client library that RoomKit asks for, or give the driver a newer { version }; then detach and attach the source.',
};

/**
 * Brings the messages of the account that the driver is linked to, and holds the connection that
 * {@link WhatsAppPersonalProvider} sends over. QR and pairing codes are framework events (`source_pairing`), never logs. A device that was
 * logged out, barred or replaced by another program is not started again: `source_waiting` says so.
 * @example
 * const source = new WhatsAppPersonalSource(baileysDriver({ session }), { channelId: 'personal' });
 * kit.registerChannel(new WhatsAppPersonalChannel('personal', { provider: new WhatsAppPersonalProvider(source) }));
 * await kit.attachSource('personal', source);
 */
export class WhatsAppPersonalSource implements SourceProvider {
  readonly name = 'whatsapp_personal';
  /** The client that it brings the messages of. */
  readonly driver: WhatsAppPersonalDriver;
  readonly #shared: Shared;
  readonly #options: Required<Omit<WhatsAppPersonalSourceOptions, 'clock'>>;
  readonly #record: SourceRecord;
  readonly #typing = new Set<string>();
  #current: { readonly stop: AbortController; readonly over: Promise<void> } | undefined;
  #me: { readonly jid: string; readonly lid?: string } | undefined;

  constructor(driver: WhatsAppPersonalDriver, options: WhatsAppPersonalSourceOptions) {
    if (typeof driver?.connect !== 'function')
      throw new ValidationError(`${FEATURE} has no driver. Pass baileysDriver({ session }), or FakeWhatsAppDriver of roomkit/emulators in tests.`);
    checkOptionNames(`new ${FEATURE}`, options ?? {}, NAMES);
    const { clock = new SystemClock(), ...given } = options ?? {};
    if (typeof given.channelId !== 'string' || given.channelId === '')
      throw new ValidationError(`${FEATURE} has no channelId. Pass { channelId } with the id of the channel that messages come in by.`);
    this.#options = { ...DEFAULTS, ...given };
    checkSeconds(FEATURE, 'maxAgeSeconds', this.#options.maxAgeSeconds);
    checkSeconds(FEATURE, 'mediaTimeoutSeconds', this.#options.mediaTimeoutSeconds);
    checkCount(FEATURE, 'maxMediaBytes', this.#options.maxMediaBytes);
    this.driver = driver;
    this.#shared = { memory: new Memory(), held: new HeldMedia(() => clock.now()), clock };
    SHARED.set(this, this.#shared);
    this.#record = new SourceRecord(clock);
  }

  /** How it stands now. */
  get status(): SourceStatus {
    return this.#record.status;
  }

  /** Whether messages can be sent now. */
  get isConnected(): boolean {
    return this.status === 'connected';
  }

  async start(emit: SourceEmit, options: SourceStartOptions): Promise<void> {
    if (this.#current !== undefined) throw new ValidationError(`Source '${this.name}' runs already. Stop it first, or make another one.`);
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    if (options.signal.aborted) abort();
    options.signal.addEventListener('abort', abort, { once: true });
    let end = (): void => undefined;
    this.#current = { stop, over: new Promise((resolve) => (end = resolve)) };
    this.#record.starting();
    try {
      const reason = stop.signal.aborted ? undefined : await this.#run(emit, options, stop.signal);
      if (stop.signal.aborted || reason === undefined) this.#record.stopped();
      else this.#finish(reason, options);
    } catch (error) {
      if (stop.signal.aborted) this.#record.stopped();
      else {
        this.#record.failed(error instanceof RoomKitError ? error.message : `Source '${this.name}' failed of itself: a defect.`);
        throw error;
      }
    } finally {
      options.signal.removeEventListener('abort', abort);
      this.#typing.clear();
      this.#current = undefined;
      await this.driver.close();
      end();
    }
  }

  /** Ends the connection; over when what came before is handed over. The session stays. */
  async stop(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return this.#record.stopped();
    current.stop.abort();
    await current.over;
  }

  healthcheck(): SourceHealth {
    return this.#record.health(this.#me === undefined ? {} : { account: this.#me.jid });
  }

  /** Forgets the session, because the operator says so: whoever attaches the source next has to link it anew. */
  async forgetSession(): Promise<void> {
    if (this.#current !== undefined)
      throw new ValidationError(`Source '${this.name}' runs: its session is in use. Detach it, then forget the session.`);
    await this.driver.forgetSession();
  }

  /** One connection, to its end. Gives why it ended, nothing when it was stopped. */
  async #run(emit: SourceEmit, options: SourceStartOptions, stopped: AbortSignal): Promise<WhatsAppClosedReason | undefined> {
    const { signal, maxConcurrentEmits: most = DEFAULT_MAX_CONCURRENT_EMITS } = options;
    const work = new InOrder(most, signal);
    try {
      for await (const event of this.driver.connect({ signal: stopped })) {
        if (stopped.aborted) return undefined;
        if (event.type === 'closed') return event.reason;
        await this.#take(event, emit, options, work);
      }
      return stopped.aborted ? undefined : 'lost';
    } finally {
      await work.done();
    }
  }

  async #take(
    event: Exclude<WhatsAppPersonalEvent, { type: 'closed' }>,
    emit: SourceEmit,
    options: SourceStartOptions,
    work: InOrder,
  ): Promise<void> {
    const { channelId } = this.#options;
    switch (event.type) {
      case 'pairing':
        return options.notify?.('source_pairing', { kind: event.kind, value: event.value });
      case 'connected':
        this.#me = event.me;
        this.#record.connected();
        return options.connected();
      case 'message':
        return this.#takeMessage(event, emit, options, work);
      case 'receipt':
        return work.add(event.chat, () => this.#takeReceipt(event, emit, options));
      case 'presence': {
        const typing = typingOf(event, channelId);
        const who = `${event.chat} ${event.from}`;
        if (typing === undefined || !this.#isTaken(event.chat)) return undefined;
        if (typing.metadata?.['is_typing'] === true) this.#typing.add(who);
        else if (!this.#typing.delete(who)) return undefined; // nobody has seen them type
        return work.add(event.chat, () => this.#emit(typing, emit));
      }
      case 'moved':
        return work.add(event.to, async () => {
          await this.#shared.moved?.(event.from, event.to);
        });
      default:
        return this.#record.ignored();
    }
  }

  /** Files of different messages are fetched beside each other; the messages of a chat are handed over in their order. */
  async #takeMessage({ message, taken }: WhatsAppArrival, emit: SourceEmit, { signal }: SourceStartOptions, work: InOrder): Promise<void> {
    const { key, chat, sentAt } = message;
    const tooOld = this.#shared.clock.now() - sentAt > this.#options.maxAgeSeconds * 1000;
    if (tooOld || !this.#isTaken(chat) || (key.isFromMe && !this.#isSelfChat(message))) {
      taken?.();
      return this.#record.ignored();
    }
    const name = messageKey(chat, key.id);
    this.#shared.memory.note(name, { keys: [key], at: sentAt });
    this.#typing.delete(`${chat} ${message.from}`);
    await work.add(
      chat,
      async (inbound) => {
        if (await this.#emit(inbound, emit, signal)) taken?.();
      },
      async () => {
        const file = await fetchFile(message, { driver: this.driver, clock: this.#shared.clock, signal, ...this.#options });
        return inboundMessage(message, { channelId: this.#options.channelId, file, hold: (...held) => this.#shared.held.hold(...held) });
      },
    );
  }

  async #takeReceipt(receipt: WhatsAppReceipt, emit: SourceEmit, { report }: SourceStartOptions): Promise<void> {
    const { chat, id, status, from, at, errorCode } = receipt;
    const isOneOfMany = chat.endsWith('@g.us') && status === 'read';
    const name = messageKey(chat, id);
    const idempotencyKey = this.#shared.memory.keyOf(name);
    await report?.({
      provider: this.driver.name,
      messageId: name,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      // That one of a group has read it does not say that the group has.
      status: isOneOfMany ? 'delivered' : status,
      ...(from !== undefined && { recipient: from }),
      ...(errorCode !== undefined && { errorCode: `whatsapp_${errorCode}` }),
      ...(at !== undefined && { timestamp: new Date(at).toISOString() }),
    });
    const read = status === 'read' ? readOf(receipt, this.#options.channelId) : undefined;
    if (read !== undefined) await this.#emit(read, emit);
  }

  /**
   * WhatsApp does not bring a message again: what the kit could not take now is offered to it once more, and again. Whether it has
   * it, or never will.
   */
  async #emit(message: InboundMessage, emit: SourceEmit, signal?: AbortSignal): Promise<boolean> {
    const isHeard = message.eventType === undefined;
    if (isHeard) this.#record.received();
    let isSettled = false;
    for (const seconds of isHeard ? [...AGAIN_SECONDS, undefined] : [undefined]) {
      try {
        if ((await emit(message)).reason !== 'process_timeout') return true;
      } catch (error) {
        isSettled = error instanceof ValidationError; // it never takes it; the kit has logged why
      }
      if (isSettled || seconds === undefined || signal?.aborted === true) break;
      try {
        await this.#shared.clock.sleep(seconds * 1000, signal);
      } catch {
        break;
      }
    }
    if (isHeard) this.#record.refused();
    return isSettled;
  }

  #isTaken(chat: string): boolean {
    return isConversation(chat) && (this.#options.groups || !chat.endsWith('@g.us'));
  }

  /** The chat of the owner with themselves; what this program has written there is its own. */
  #isSelfChat({ chat, key }: WhatsAppPersonalMessage): boolean {
    const own = [this.#me?.jid, this.#me?.lid].flatMap((jid) => (jid === undefined ? [] : [withoutDevice(jid)]));
    return this.#options.selfChat && own.includes(chat) && this.#shared.memory.of(messageKey(chat, key.id)) === undefined;
  }

  /** How the connection has ended decides whether it is opened again (SRC-03). */
  #finish(reason: WhatsAppClosedReason, { notify }: SourceStartOptions): void {
    const waits = WAITS[reason];
    if (waits !== undefined) {
      this.#record.failed(waits);
      notify?.('source_waiting', { reason, message: waits });
      return;
    }
    const isAsked = reason === 'restart';
    throw new ProviderError(
      isAsked ? `WhatsApp asks '${this.name}' to connect again.` : `The connection of '${this.name}' to WhatsApp was lost. It is opened again.`,
      { provider: this.name, code: isAsked ? 'restart_required' : 'connection_lost', retryable: true, ...(isAsked && { retryAfterSeconds: 0 }) },
    );
  }
}

/** For the provider that sends over its connection. */
export function sharedOf(source: WhatsAppPersonalSource): Shared {
  const shared = SHARED.get(source);
  if (shared === undefined) throw new ValidationError(`${FEATURE} was not made by its constructor.`);
  return shared;
}
