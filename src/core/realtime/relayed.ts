/**
 * Ephemeral events over something that carries texts between processes (EPH-01, EPH-04): who listens in this process hears at
 * once, also while the others cannot be reached. Redis, NATS and PostgreSQL bring what carries the texts.
 */
import { RoomKitError } from '../errors.js';
import { UuidGenerator } from '../ids.js';
import type { Logger } from '../logger.js';
import type { Awaitable } from '../models/json.js';
import type { RealtimeBackend, RealtimeCallback, RealtimeMessage } from './backend.js';
import { InMemoryRealtime } from './in-memory.js';

/** What carries texts between processes. */
export interface RealtimeRelay {
  /** Resolves when the server has it, rejects when that is not so within a few seconds; it is not tried again. */
  publish(channel: string, text: string): Awaitable<void>;
  /** Resolves once what others publish is heard. Whoever was subscribed is so again after a lost connection, without being asked. */
  subscribe(channel: string): Awaitable<void>;
  /** What comes for this channel is not needed any more. */
  unsubscribe(channel: string): Awaitable<void>;
  /** Called once, when nothing is on its way any more. */
  close(): Awaitable<void>;
}

/** Tells what has come; own texts may come, too. */
export type HearText = (channel: string, text: string) => void;

/** So many texts may be on their way; above that the newest are dropped, as a slow server must not fill the memory. */
const MAX_UNDER_WAY = 1000;

interface Envelope {
  readonly from: string;
  readonly message: RealtimeMessage;
}

export class RelayedRealtime implements RealtimeBackend {
  readonly distributed = true;
  readonly #local: InMemoryRealtime;
  readonly #relay: RealtimeRelay;
  readonly #self: string;
  /** Which channel a subscription is for, and how many each channel has. */
  readonly #channelOf = new Map<string, string>();
  readonly #listeners = new Map<string, number>();
  /** What is on its way; each ends by itself, as the relay waits for no answer forever. */
  readonly #underWay = new Set<Promise<void>>();
  #isFailing = false;
  #closing: Promise<void> | undefined;

  constructor(
    open: (hear: HearText) => RealtimeRelay,
    private readonly logger: Logger,
  ) {
    const ids = new UuidGenerator();
    this.#self = ids.next();
    this.#local = new InMemoryRealtime({ ids, logger });
    this.#relay = open((channel, text) => this.#hear(channel, text));
  }

  /** Waits for nobody: what the others do not hear, they do not hear. */
  publish(channel: string, message: RealtimeMessage): void {
    if (this.#closing !== undefined) return;
    this.#local.publish(channel, message);
    if (this.#underWay.size >= MAX_UNDER_WAY) {
      this.#failed(new RoomKitError('busy', `More than ${MAX_UNDER_WAY} messages wait to be sent.`));
      return;
    }
    const sent = this.#send(channel, JSON.stringify({ from: this.#self, message } satisfies Envelope)).finally(() => this.#underWay.delete(sent));
    this.#underWay.add(sent);
  }

  async subscribe(channel: string, callback: RealtimeCallback): Promise<string> {
    const id = this.#local.subscribe(channel, callback);
    if (this.#closing !== undefined) return id;
    this.#channelOf.set(id, channel);
    const listeners = this.#listeners.get(channel) ?? 0;
    this.#listeners.set(channel, listeners + 1);
    try {
      await this.#relay.subscribe(channel);
    } catch (error) {
      if (error instanceof RoomKitError && !error.retryable) {
        await this.unsubscribe(id);
        throw error;
      }
      this.logger.warn('A subscription is heard by this process alone until the connection is back.', { channel, error });
    }
    return id;
  }

  async unsubscribe(subscriptionId: string): Promise<boolean> {
    const channel = this.#channelOf.get(subscriptionId);
    if (!this.#local.unsubscribe(subscriptionId) || channel === undefined) return false;
    this.#channelOf.delete(subscriptionId);
    const left = (this.#listeners.get(channel) ?? 1) - 1;
    if (left > 0) this.#listeners.set(channel, left);
    else {
      this.#listeners.delete(channel);
      // Nobody hears what still comes: there is nothing to wait for.
      void (async () => this.#relay.unsubscribe(channel))().catch((error: unknown) =>
        this.logger.debug('The end of a subscription could not be told.', { channel, error }),
      );
    }
    return true;
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#local.close();
      this.#channelOf.clear();
      this.#listeners.clear();
      await Promise.all(this.#underWay);
      await this.#relay.close();
    })();
    return this.#closing;
  }

  async #send(channel: string, text: string): Promise<void> {
    try {
      await this.#relay.publish(channel, text);
      this.#isFailing = false;
    } catch (error) {
      if (this.#closing === undefined) this.#failed(error);
    }
  }

  /** Said once, until something was sent again. */
  #failed(error: unknown): void {
    if (!this.#isFailing) this.logger.warn('What happens at the moment is not told to other processes.', { error });
    this.#isFailing = true;
  }

  #hear(channel: string, text: string): void {
    if (!this.#listeners.has(channel)) return;
    const envelope = envelopeOf(text);
    if (envelope === undefined) this.logger.warn('What came on a channel is not of RoomKit, and is left out.', { channel });
    else if (envelope.from !== this.#self) this.#local.publish(channel, envelope.message);
  }
}

function envelopeOf(text: string): Envelope | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { from, message } = (value ?? {}) as Partial<Envelope>;
  return typeof from === 'string' && typeof message === 'object' && message !== null ? { from, message } : undefined;
}
