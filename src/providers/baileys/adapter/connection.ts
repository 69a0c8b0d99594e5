/** One connection of baileys: its events in order, people under the same name whatever the wire calls them. */
import type { ConnectionState } from 'baileys';
import { ProviderError, RoomKitError } from '../../../core/errors.js';
import { Mailbox } from '../../_shared/source/mailbox.js';
import { withoutDevice } from '../addresses.js';
import type { WhatsAppPersonalEvent } from '../driver.js';
import { sessionState, type SessionState } from './auth-state.js';
import type { BaileysDriverOptions } from './driver.js';
import { sendFailure } from './failure.js';
import type { Inbox } from './inbox.js';
import type { BaileysModule, BaileysSocket } from './library.js';
import { SILENT } from './quiet.js';
import { readClosed, readPresences, readReceipts, readUpdates, readUpsert, type ReadMessage } from './read-events.js';

export class Connection {
  readonly socket: BaileysSocket;
  readonly #session: SessionState;
  readonly #inbox: Inbox;
  readonly #options: BaileysDriverOptions;
  /** What is being read, in the order in which it came. */
  readonly #coming = new Mailbox<Promise<readonly WhatsAppPersonalEvent[]>>();
  /** Ids that WhatsApp has put in the place of numbers → the numbers. */
  readonly #numbers = new Map<string, string>();
  /** Chats whose typing has been asked for. */
  readonly #watched = new Set<string>();
  readonly #left: ReadMessage[];
  #isOpen = false;
  #isPairing = false;
  #hasCode = false;
  #ending: Promise<void> | undefined;

  /** Undefined when nobody wants it any more. */
  static async open(
    baileys: BaileysModule,
    options: BaileysDriverOptions,
    openInbox: () => Promise<Inbox>,
    signal: AbortSignal,
  ): Promise<Connection | undefined> {
    try {
      const session = await sessionState(baileys, options.session);
      const inbox = await openInbox();
      return signal.aborted ? undefined : new Connection(baileys, session, inbox, options);
    } catch (error) {
      throw error instanceof RoomKitError ? error : unavailable(error);
    }
  }

  private constructor({ makeWASocket }: BaileysModule, session: SessionState, inbox: Inbox, options: BaileysDriverOptions) {
    this.#session = session;
    this.#inbox = inbox;
    this.#options = options;
    this.#left = [...inbox.left];
    this.socket = makeWASocket({
      auth: session.state,
      logger: SILENT,
      browser: [options.deviceName ?? 'RoomKit', 'Chrome', '1.0'],
      markOnlineOnConnect: options.marksOnline ?? true,
      // What is sent from here is known here.
      emitOwnEvents: false,
      syncFullHistory: false,
      ...(options.version !== undefined && { version: [...options.version] }),
      shouldIgnoreJid: (jid) => /@(broadcast|newsletter)$/.test(jid),
    });
    const { ev } = this.socket;
    ev.on('creds.update', () => {
      session.saveCreds();
      void this.#keep(session.saved());
    });
    ev.on('connection.update', (update) => this.#push(() => this.#connection(update)));
    ev.on('messages.upsert', (event) => {
      for (const message of readUpsert(event, this.#me())) this.#arrived(message);
    });
    ev.on('messages.update', (event) => {
      for (const receipt of readUpdates(event)) this.#push(async () => [{ type: 'receipt', ...receipt, ...(await this.#named(receipt)) }]);
    });
    ev.on('message-receipt.update', (event) => {
      for (const receipt of readReceipts(event)) this.#push(async () => [{ type: 'receipt', ...receipt, ...(await this.#named(receipt)) }]);
    });
    ev.on('presence.update', (event) => {
      for (const presence of readPresences(event)) this.#push(async () => [{ type: 'presence', ...presence, ...(await this.#named(presence)) }]);
    });
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  async *events(): AsyncGenerator<WhatsAppPersonalEvent, void> {
    for await (const coming of this.#coming) {
      for (const event of await coming) {
        yield event;
        if (event.type === 'closed') return;
      }
    }
  }

  end(): Promise<void> {
    this.#isOpen = false;
    this.#ending ??= (async () => {
      this.#coming.end();
      try {
        await this.socket.end(undefined);
      } catch {
        // It had no connection.
      }
      await Promise.allSettled([this.#session.saved(), this.#inbox.settled()]); // told already
    })();
    return this.#ending;
  }

  /** What comes while the connection ends is acknowledged as well: it is kept for the next. */
  #arrived(message: ReturnType<typeof readUpsert>[number]): void {
    if (this.#ending === undefined) this.#push(() => this.#message(message));
    else if (!('ignored' in message)) void this.#keep(this.#inbox.add(message));
  }

  /** What cannot be kept ends the connection. */
  async #keep(keeping: Promise<void>): Promise<boolean> {
    try {
      await keeping;
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #push(read: () => Promise<readonly WhatsAppPersonalEvent[]>): void {
    if (this.#ending !== undefined) return; // what it tells now, nobody reads
    const reading = read().catch((error: unknown) => {
      throw error instanceof RoomKitError ? error : sendFailure('whatsapp_personal', error);
    });
    reading.catch(() => undefined); // whoever reads it hears of it
    this.#coming.push(reading);
  }

  /** A session that cannot be kept must not go on: what it has acknowledged would be unreadable after a restart. */
  #fail(error: unknown): void {
    this.#isOpen = false;
    this.#coming.end(
      new ProviderError('The session of WhatsApp cannot be saved. Look at the store that it is kept in: a full disk, missing rights?', {
        provider: 'whatsapp_personal',
        code: 'whatsapp_session_unsaved',
        retryable: true,
        cause: error,
      }),
    );
  }

  async #connection({ connection, qr, lastDisconnect }: Partial<ConnectionState>): Promise<readonly WhatsAppPersonalEvent[]> {
    if (typeof qr === 'string' && qr !== '' && !this.#session.isLinked) return this.#pairing(qr);
    if (connection === 'open') {
      this.#isOpen = true;
      const jid = this.#me();
      const lid = this.socket.user?.lid;
      if (jid === undefined) return [];
      // What the process before has not brought to its kit comes first.
      const left = await Promise.all(this.#left.splice(0).map((message) => this.#message(message)));
      return [{ type: 'connected', me: { jid, ...(typeof lid === 'string' && { lid: withoutDevice(lid) }) } }, ...left.flat()];
    }
    if (connection !== 'close') return [];
    this.#isOpen = false;
    // What was linked just now must be kept before the next start reads it.
    await this.#session.saved();
    const closed = readClosed(lastDisconnect);
    // Nobody has scanned any of the codes: whoever comes to do it shall not have to wait for the next.
    const isUnscanned = closed.reason === 'lost' && this.#isPairing;
    return [{ type: 'closed', ...closed, ...(isUnscanned && { reason: 'restart' }) }];
  }

  async #pairing(qr: string): Promise<readonly WhatsAppPersonalEvent[]> {
    this.#isPairing = true;
    const { pairingNumber } = this.#options;
    if (pairingNumber === undefined) return [{ type: 'pairing', kind: 'qr', value: qr }];
    // One code is good for as long as the connection lasts.
    if (this.#hasCode) return [];
    this.#hasCode = true;
    return [{ type: 'pairing', kind: 'code', value: await this.socket.requestPairingCode(pairingNumber) }];
  }

  async #message(message: ReadMessage | { readonly ignored: string }): Promise<readonly WhatsAppPersonalEvent[]> {
    if ('ignored' in message) return [{ type: 'ignored', reason: message.ignored }];
    if (!(await this.#keep(this.#inbox.add(message)))) return [];
    const { key, from, chatAlt, fromAlt, ...rest } = message;
    const isNew = [key.chat, from].filter((jid, index, all) => jid.endsWith('@lid') && !this.#numbers.has(jid) && all.indexOf(jid) === index);
    const [chat, sender] = [await this.#nameOf(key.chat, chatAlt), await this.#nameOf(from, fromAlt)];
    if (!key.isFromMe && !this.#watched.has(key.chat)) {
      this.#watched.add(key.chat);
      // Without it nobody would tell that they type. What goes wrong with it is no harm to the message.
      if (this.#options.marksOnline !== false) this.socket.presenceSubscribe(key.chat).catch(() => undefined);
    }
    const moved = isNew.flatMap((lid): WhatsAppPersonalEvent[] => {
      const number = this.#numbers.get(lid);
      return number === undefined ? [] : [{ type: 'moved', from: lid, to: number }];
    });
    const taken = (): void => void this.#keep(this.#inbox.remove(message));
    return [...moved, { type: 'message', message: { ...rest, key, chat, from: sender, rawFrom: from }, taken }];
  }

  async #named(of: { readonly chat: string; readonly from?: string }): Promise<{ readonly chat: string; readonly from?: string }> {
    return { chat: await this.#nameOf(of.chat), ...(of.from !== undefined && { from: await this.#nameOf(of.from) }) };
  }

  /** The number of somebody whom the wire names by an id, where the message or the session knows it. */
  async #nameOf(jid: string, alt?: string): Promise<string> {
    if (!jid.endsWith('@lid')) return jid;
    const known = this.#numbers.get(jid);
    if (known !== undefined) return known;
    const told = alt?.endsWith('@s.whatsapp.net') === true ? alt : await this.#lookUp(jid);
    if (told === undefined) return jid;
    this.#numbers.set(jid, told);
    return told;
  }

  async #lookUp(lid: string): Promise<string | undefined> {
    try {
      const number = await this.socket.signalRepository.lidMapping.getPNForLID(lid);
      return typeof number === 'string' && number !== '' ? withoutDevice(number) : undefined;
    } catch {
      return undefined;
    }
  }

  #me(): string | undefined {
    const { user } = this.socket;
    return user === undefined ? undefined : withoutDevice(user.id);
  }
}

/** A store of the operator's that fails. */
function unavailable(cause: unknown): ProviderError {
  return new ProviderError('The session of WhatsApp cannot be read. Look at the store that it is kept in: is it there, and may it be read?', {
    provider: 'whatsapp_personal',
    code: 'whatsapp_session_unavailable',
    retryable: true,
    cause,
  });
}
