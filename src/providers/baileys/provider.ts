/** Sends over a linked WhatsApp (providers §5.3). */
import { createHash } from 'node:crypto';
import { outboundText } from '../../channels/outbound-text.js';
import type { EphemeralRequest, TransportHost, TransportProvider, TransportRequest } from '../../channels/transport.js';
import { transcodeFor } from '../../core/delivery/transcode.js';
import { ProviderError, RoomKitError, ValidationError } from '../../core/errors.js';
import type { ChannelFetchOptions, FetchedMedia, MediaFetch } from '../../core/media/media-store.js';
import { channelCapabilities } from '../../core/models/capabilities.js';
import type { EventContent } from '../../core/models/content.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { guardedFetch } from '../_shared/guarded-fetch.js';
import { Sequences } from '../_shared/graph/sequence.js';
import { EMPTY_MESSAGE, timeoutFailure } from '../_shared/http/failure.js';
import { timeoutOf } from '../_shared/http/options.js';
import { checkCount } from '../_shared/source/options.js';
import { addressOf, fromMessageKey, isGroup, jidOf, messageKey } from './addresses.js';
import type { WhatsAppKey, WhatsAppSendOptions, WhatsAppSent } from './driver.js';
import { bytesOf } from './files.js';
import { editedText, stepsFor, type OutboundStep } from './outbound.js';
import type { Shared } from './shared.js';
import { sharedOf, WhatsAppPersonalSource } from './source.js';

/** What {@link WhatsAppPersonalProvider} is made with, beside its source. */
export interface WhatsAppPersonalProviderOptions {
  /** Fetches the files that are sent by their address. Default: `guardedFetch()` of `roomkit/media`: public addresses only. */
  readonly fetch?: MediaFetch;
  /** The largest file that is sent. Default 16 MiB. */
  readonly maxMediaBytes?: number;
  /** For one message, its file included. Default 60. */
  readonly timeoutSeconds?: number;
}

const FEATURE = 'WhatsAppPersonalProvider';
const NAMES: OptionNames<WhatsAppPersonalProviderOptions> = { fetch: true, maxMediaBytes: true, timeoutSeconds: true };
/** More messages than a content of 100 parts can be: each file, and words before it. */
const MAX_MESSAGES = 200;
/** Until then WhatsApp changes a text. */
const EDITABLE_MS = 15 * 60_000;

/**
 * Sends over the connection of a {@link WhatsAppPersonalSource}. While there is none, deliveries wait.
 * @example new WhatsAppPersonalChannel('personal', { provider: new WhatsAppPersonalProvider(source) })
 */
export class WhatsAppPersonalProvider implements TransportProvider {
  readonly name: string;
  readonly #source: WhatsAppPersonalSource;
  readonly #shared: Shared;
  readonly #fetch: MediaFetch;
  readonly #maxBytes: number;
  readonly #timeoutMs: number;
  readonly #sequences = new Sequences();

  constructor(source: WhatsAppPersonalSource, options: WhatsAppPersonalProviderOptions = {}) {
    if (!(source instanceof WhatsAppPersonalSource))
      throw new ValidationError(`${FEATURE} has no source. Pass the WhatsAppPersonalSource of the channel: both share one connection.`);
    checkOptionNames(`new ${FEATURE}`, options, NAMES);
    const { maxMediaBytes = 16 * 1024 * 1024 } = options;
    checkCount(FEATURE, 'maxMediaBytes', maxMediaBytes);
    this.name = source.driver.name;
    this.#source = source;
    this.#shared = sharedOf(source);
    this.#timeoutMs = timeoutOf(FEATURE, options.timeoutSeconds, 60) * 1000;
    this.#fetch = options.fetch ?? guardedFetch({ maxBytes: maxMediaBytes, timeoutSeconds: this.#timeoutMs / 1000 });
    this.#maxBytes = maxMediaBytes;
  }

  connect(host: TransportHost): void {
    this.#shared.moved = (from, to) => host.moved(addressOf(from), addressOf(to));
  }

  ready(): boolean {
    return this.#source.isConnected;
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const { content } = request;
    if (content.type === 'edit') return this.#edit(request, content.newContent);
    if (content.type === 'delete') return this.#delete(request);
    return this.#sendAll(request, content);
  }

  /** Typing, receipts and reactions. What names a message of somebody in a group from before this process began is left out. */
  async sendEphemeral({ type, to = '', messageId, emoji = '', isRemoved }: EphemeralRequest): Promise<void> {
    if (!this.#source.isConnected) return;
    const { memory } = this.#shared;
    const { driver } = this.#source;
    const chat = jidOf(to);
    if (type === 'typing_start' || type === 'typing_stop') {
      if (chat !== undefined) await driver.sendPresence(chat, type === 'typing_start' ? 'composing' : 'paused');
      return;
    }
    if (type === 'read_receipt') {
      const keys = memory.keysOf(messageId).filter(({ isFromMe }) => !isFromMe);
      if (keys.length > 0) await driver.markRead(keys);
      return;
    }
    const [target] = memory.keysOf(messageId);
    if (target !== undefined) await driver.sendReaction(target, isRemoved === true ? '' : emoji);
  }

  /** Files that were too large to stand in their message. */
  fetchMedia(url: string, _options: ChannelFetchOptions): FetchedMedia | null {
    const { held } = this.#shared;
    if (!held.isNamed(url)) return null;
    const file = held.fetch(url);
    if (file !== undefined) return file;
    throw new RoomKitError('media_unavailable', 'A file of WhatsApp is not there any more: the program ended before it was stored.');
  }

  async #sendAll(request: TransportRequest, content: EventContent): Promise<ProviderResult> {
    const { to = '', idempotencyKey, signal } = request;
    const steps = stepsFor(content);
    if (steps.length === 0) return EMPTY_MESSAGE;
    const chat = jidOf(to);
    if (chat === undefined)
      return { success: false, error: 'invalid_recipient', retryable: false, metadata: { message: `'${to}' is no number, and no id of WhatsApp.` } };
    const quoted = await quotedBy(request, chat, this.#shared);
    const result = await this.#sequences.run(idempotencyKey, steps, (step, index) => {
      const id = idOf(idempotencyKey, index);
      // Of several, one says nothing of the others.
      if (steps.length === 1) this.#shared.memory.expect(messageKey(chat, id), idempotencyKey);
      return this.#within(signal, (within) => this.#step(step, chat, { id, signal: within, ...(index === 0 && quoted !== undefined && { quoted }) }));
    });
    const name = result.providerMessageId;
    if (result.success && name !== undefined)
      this.#shared.memory.note(name, { keys: ownKeys(chat, idempotencyKey, steps.length), at: this.#shared.clock.now() });
    return result;
  }

  /** The messages that one of the kit's is at WhatsApp's. Those of before this process are found by how their ids are made. */
  #targets({ content, targetMessageId, binding }: TransportRequest): readonly WhatsAppKey[] {
    const known = this.#shared.memory.of(targetMessageId);
    if (known !== undefined) return known.keys;
    const named = fromMessageKey(targetMessageId);
    if (named === undefined) return [];
    const event = content.type === 'edit' || content.type === 'delete' ? content.targetEventId : '';
    const all = ownKeys(named.chat, `${event}:${binding.channelId}`, MAX_MESSAGES);
    const last = all.findIndex(({ id }) => id === named.id);
    return last === -1 ? [{ ...named, isFromMe: true }] : all.slice(0, last + 1);
  }

  async #step(step: OutboundStep, chat: string, options: WhatsAppSendOptions): Promise<ProviderResult> {
    const { driver } = this.#source;
    const { held } = this.#shared;
    if (step.type === 'text') return sent(chat, await driver.sendMessage(chat, step.text, options));
    if (step.type === 'location') return sent(chat, await driver.sendLocation(chat, step.place, options));
    const { kind, caption, file } = step;
    const read = await bytesOf(file, { fetch: this.#fetch, held, maxBytes: this.#maxBytes, signal: options.signal });
    if ('failure' in read) return read.failure;
    const { filename } = file;
    const common = {
      bytes: read.bytes,
      mimeType: file.mimeType,
      ...(filename !== undefined && { filename }),
      ...(caption !== undefined && { caption }),
    };
    switch (kind) {
      case 'image':
        return sent(chat, await driver.sendImage(chat, common, options));
      case 'video':
        return sent(chat, await driver.sendVideo(chat, common, options));
      case 'voice':
        return sent(chat, await driver.sendAudio(chat, { ...common, mimeType: 'audio/ogg; codecs=opus', isVoiceNote: true }, options));
      case 'audio':
        return sent(chat, await driver.sendAudio(chat, { ...common, isVoiceNote: false }, options));
      default:
        return sent(chat, await driver.sendDocument(chat, common, options));
    }
  }

  /** Only a text, and only for a quarter of an hour; afterwards, or in a file's place, it is told what has changed. */
  async #edit(request: TransportRequest, content: EventContent): Promise<ProviderResult> {
    const { driver } = this.#source;
    const { memory, clock } = this.#shared;
    const known = memory.of(request.targetMessageId);
    const [target, ...others] = this.#targets(request);
    const text = editedText(content);
    const isLate = known !== undefined && clock.now() - known.at > EDITABLE_MS;
    if (target === undefined || !target.isFromMe || others.length > 0 || isLate || text === undefined) return this.#inWords(request);
    const options = { id: idOf(request.idempotencyKey, 0) };
    return this.#within(request.signal, async (signal) => {
      await driver.editMessage(target, text, { ...options, signal });
      return { success: true };
    });
  }

  async #delete(request: TransportRequest): Promise<ProviderResult> {
    const { driver } = this.#source;
    const targets = this.#targets(request);
    if (targets.length === 0 || targets.some(({ isFromMe }) => !isFromMe)) return this.#inWords(request);
    return this.#within(request.signal, async (signal) => {
      for (const [index, target] of targets.entries()) await driver.deleteMessage(target, { id: idOf(request.idempotencyKey, index), signal });
      return { success: true };
    });
  }

  #inWords(request: TransportRequest): Promise<ProviderResult> {
    const capabilities = channelCapabilities({ ...request.binding.capabilities, supportsEdit: false, supportsDelete: false });
    return this.#sendAll(request, transcodeFor(request.content, capabilities) ?? request.content);
  }

  /** What the driver is asked; it has so long, and answers with a result, whatever it rejects with. */
  async #within(given: AbortSignal, work: (signal: AbortSignal) => Promise<ProviderResult>): Promise<ProviderResult> {
    if (!this.#source.isConnected) return NOT_CONNECTED;
    const enough = new AbortController();
    const signal = AbortSignal.any([given, AbortSignal.timeout(this.#timeoutMs), enough.signal]);
    const working = work(signal);
    working.catch(() => undefined); // it may fail when nobody waits any more
    let giveUp = (): void => undefined;
    const late = new Promise<ProviderResult>((resolve) => {
      giveUp = () => resolve(timeoutFailure());
      signal.addEventListener('abort', giveUp, { once: true });
    });
    try {
      return signal.aborted ? timeoutFailure() : await Promise.race([working, late]);
    } catch (error) {
      return signal.aborted ? timeoutFailure() : failureOf(error);
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }
}

const NOT_CONNECTED: ProviderResult = Object.freeze({ success: false, error: 'not_connected', retryable: true });

/**
 * The id that a message has at WhatsApp's, of the form that WhatsApp Web makes: the same for every attempt, so that the phones of
 * the other side know a repetition by it.
 */
function idOf(idempotencyKey: string, index: number): string {
  return `3EB0${createHash('sha256').update(`${idempotencyKey}\u0000${index}`).digest('hex').slice(0, 18).toUpperCase()}`;
}

function ownKeys(chat: string, idempotencyKey: string, count: number): readonly WhatsAppKey[] {
  return Array.from({ length: count }, (_, index) => ({ chat, id: idOf(idempotencyKey, index), isFromMe: true }));
}

function sent(chat: string, { id }: WhatsAppSent): ProviderResult {
  return { success: true, providerMessageId: messageKey(chat, id) };
}

function failureOf(error: unknown): ProviderResult {
  if (!(error instanceof RoomKitError)) return { success: false, error: 'provider_error', retryable: true };
  const retryAfterSeconds = error instanceof ProviderError ? error.retryAfterSeconds : undefined;
  return { success: false, error: error.code, retryable: error.retryable, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
}

/** In a group, an answer shows what it answers; in a chat with one person that is clear. */
async function quotedBy(request: TransportRequest, chat: string, { memory }: Shared): Promise<WhatsAppSendOptions['quoted']> {
  const { parentEventId } = request.event;
  if (parentEventId === undefined || !isGroup(chat)) return undefined;
  const parent = await request.answered?.();
  const name = parent?.source.externalId ?? parent?.source.providerMessageId;
  if (parent?.id !== parentEventId || fromMessageKey(name)?.chat !== chat) return undefined;
  const [key] = memory.keysOf(name);
  return key === undefined ? undefined : { key, text: outboundText(parent.content) ?? '' };
}

/** The name that this provider has in the Python RoomKit. */
export const NeonizeWhatsAppProvider = WhatsAppPersonalProvider;
/** The name that this provider has in the Python RoomKit. */
export type NeonizeWhatsAppProvider = WhatsAppPersonalProvider;
