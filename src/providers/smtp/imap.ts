/** Mail that comes into a mailbox, by imapflow (behaviour §22). @see https://www.rfc-editor.org/rfc/rfc3501 */
import type { ImapFlow } from 'imapflow';
import { isoTime, SystemClock } from '../../core/clock.js';
import { RoomKitError } from '../../core/errors.js';
import type { SourceStatus } from '../../core/models/vocabulary.js';
import type { SourceEmit, SourceHealth, SourceProvider, SourceStartOptions } from '../../core/sources/source.js';
import { loadPeer } from '../_shared/peer.js';
import { readMail } from '../_shared/mail/received.js';
import { imapAccount, type IMAPAccount, type IMAPConfig } from './config.js';
import { parseMail } from './parsed-mail.js';

const FEATURE = 'IMAPSource';
const clock = new SystemClock();

/**
 * Brings what arrives in a mailbox, the moment it arrives (IDLE). A mail is marked once it is in the timeline: after a crash or
 * a broken connection none is lost, and one that comes again is recognised by its Message-ID. Needs the packages `imapflow`
 * and `postal-mime`.
 * @example await kit.attachSource('email', new IMAPSource({ channelId: 'email', host: 'imap.example.org', user, password }));
 */
export class IMAPSource implements SourceProvider {
  readonly name: string;
  readonly #account: IMAPAccount;
  #status: SourceStatus = 'stopped';
  #connectedAt: string | undefined;
  #lastMessageAt: string | undefined;
  #received = 0;
  #unreadable = 0;
  #error: string | undefined;
  #isStopping = false;
  #hasBegun = false;
  /** The mail that is being taken now. */
  #work: Promise<unknown> = Promise.resolve();
  #wake: () => void = () => undefined;

  constructor(config: IMAPConfig) {
    this.#account = imapAccount(FEATURE, config);
    this.name = `imap:${this.#account.mailbox}`;
  }

  /** How it stands now. */
  get status(): SourceStatus {
    return this.#status;
  }

  async start(emit: SourceEmit, options: SourceStartOptions): Promise<void> {
    this.#isStopping = false;
    this.#status = 'connecting';
    const client = await this.#open();
    const end = (): void => {
      client.close();
      this.#wake();
    };
    options.signal.addEventListener('abort', end, { once: true });
    try {
      if (options.signal.aborted) return;
      await client.connect();
      await this.#openMailbox(client);
      this.#status = 'connected';
      this.#connectedAt = isoTime(clock.now());
      this.#error = undefined;
      options.connected();
      await this.#read(client, emit, options);
      await client.logout();
    } catch (error) {
      if (options.signal.aborted || this.#isStopping) return;
      this.#status = 'error';
      this.#error = codeOf(error);
      throw error;
    } finally {
      options.signal.removeEventListener('abort', end);
      client.close();
      if (this.#status !== 'error') this.#status = 'stopped';
    }
  }

  /** Ends after the mail that is being taken. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#wake();
    await this.#work;
  }

  healthcheck(): SourceHealth {
    return {
      status: this.#status,
      ...(this.#connectedAt !== undefined && { connectedAt: this.#connectedAt }),
      ...(this.#lastMessageAt !== undefined && { lastMessageAt: this.#lastMessageAt }),
      messagesReceived: this.#received,
      ...(this.#error !== undefined && { error: this.#error }),
      metadata: { mailbox: this.#account.mailbox, unreadable: this.#unreadable },
    };
  }

  async #open(): Promise<ImapFlow> {
    const { ImapFlow: Client } = await loadPeer(FEATURE, 'imapflow', () => import('imapflow'));
    const { host, port, secure, allowInsecure, tls, login, timeoutSeconds, maxMailBytes } = this.#account;
    const token = await login?.token?.();
    const client = new Client({
      host,
      port,
      secure,
      // Nothing is said before TLS stands, unless the program has asked for it.
      ...(!secure && !allowInsecure && { doSTARTTLS: true }),
      tls: { ...tls },
      auth: { user: login?.user ?? '', ...(token === undefined ? { pass: login?.password?.reveal() ?? '' } : { accessToken: token.reveal() }) },
      logger: false,
      disableAutoIdle: true,
      socketTimeout: timeoutSeconds * 1000,
      // A server that has gone wild must not fill the memory.
      maxLiteralSize: maxMailBytes + 1024 * 1024,
      maxResponseSize: 2 * maxMailBytes + 4 * 1024 * 1024,
      maxLineLength: 16 * 1024 * 1024,
    });
    // What breaks between two commands is told here alone.
    client.on('error', (error: unknown) => {
      this.#error = codeOf(error);
      this.#wake();
    });
    client.on('close', () => this.#wake());
    return client;
  }

  /** At the first start all that lies there counts as taken, unless `since` says from when on. */
  async #openMailbox(client: ImapFlow): Promise<void> {
    const { mailbox, mark, since } = this.#account;
    const { permanentFlags, exists } = await client.mailboxOpen(mailbox);
    if (mark !== '\\Seen' && permanentFlags !== undefined && !permanentFlags.has('\\*') && !permanentFlags.has(mark)) {
      throw new RoomKitError('invalid', `The mailbox '${mailbox}' keeps no keyword '${mark}'. Pass { mark: '\\\\Seen' } to ${FEATURE}.`);
    }
    // What comes while the connection is away has come after the first start, also before any mail was marked.
    const isFirst = !this.#hasBegun && since === undefined && exists > 0 && mark !== '\\Seen';
    const taken = isFirst && (await client.search({ keyword: mark }, { uid: true }));
    if (isFirst && (!Array.isArray(taken) || taken.length === 0)) await client.messageFlagsAdd('1:*', [mark], { silent: true });
    this.#hasBegun = true;
  }

  /** Everything that is not marked, again whenever the server says that there is more. */
  async #read(client: ImapFlow, emit: SourceEmit, options: SourceStartOptions): Promise<void> {
    let news = true;
    const heard = (): void => {
      news = true;
      this.#wake();
    };
    client.on('exists', heard);
    while (!this.#isStopping && !options.signal.aborted) {
      if (!client.usable) throw new RoomKitError(this.#error ?? 'connection_lost', 'The connection to the mailbox ended.', { retryable: true });
      if (news) {
        news = false;
        for (const uid of await this.#unmarked(client)) {
          if (this.#isStopping || options.signal.aborted) return;
          const work = this.#take(client, uid, emit, options);
          this.#work = work.catch(() => undefined);
          await work;
        }
        continue;
      }
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      // Until the next command, or until the connection breaks: that is told by its events.
      client.idle().catch(() => this.#wake());
      await woken;
    }
  }

  async #unmarked(client: ImapFlow): Promise<readonly number[]> {
    const { mark, since } = this.#account;
    const found = await client.search(
      { ...(mark === '\\Seen' ? { seen: false } : { unKeyword: mark }), deleted: false, ...(since !== undefined && { since }) },
      { uid: true },
    );
    return Array.isArray(found) ? [...found].sort((a, b) => a - b) : [];
  }

  async #take(client: ImapFlow, uid: number, emit: SourceEmit, { report }: SourceStartOptions): Promise<void> {
    const { channelId, maxMailBytes, mark, since, sentBy } = this.#account;
    const found = await client.fetchOne(String(uid), { uid: true, internalDate: true, source: { maxLength: maxMailBytes } }, { uid: true });
    if (found === false || found.source === undefined) return; // somebody has removed it
    // The server searches by days.
    const arrived = found.internalDate === undefined ? undefined : new Date(found.internalDate);
    if (since === undefined || arrived === undefined || arrived >= since) {
      for (const meta of await this.#metasOf(found.source, sentBy)) {
        if (meta.type === 'status') await report?.(meta.status);
        if (meta.type !== 'message') continue;
        try {
          await emit({ ...meta.message, channelId });
          this.#received++;
          this.#lastMessageAt = isoTime(clock.now());
        } catch (error) {
          // What no room can take stays so however often it is tried; everything else is tried again by the next start.
          if (!(error instanceof RoomKitError) || error.code !== 'invalid') throw error;
          this.#unreadable++;
        }
      }
    }
    await client.messageFlagsAdd(String(uid), [mark], { uid: true, silent: true });
  }

  async #metasOf(source: Uint8Array, sentBy: string): Promise<ReturnType<typeof readMail>> {
    try {
      return readMail(await parseMail(source, FEATURE), sentBy);
    } catch (error) {
      if (error instanceof RoomKitError) throw error; // the package is missing
      this.#unreadable++;
      return [];
    }
  }
}

/** Never the server's words: they may repeat the credential. */
function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null) {
    if ('authenticationFailed' in error && error.authenticationFailed === true) return 'auth_error';
    if ('code' in error && typeof error.code === 'string') return error.code;
  }
  return 'error';
}
