/** A mail server on loopback: mail goes out over SMTP and comes in over IMAP, and everybody else's mailbox is at hand. */
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { SMTPServer, SMTPServerAuthentication, SMTPServerSession } from 'smtp-server';
import { loadPeer } from '../../providers/_shared/peer.js';
import { ImapServer, type ImapBehaviour } from './imap-server.js';
import { arrivedMail, MailInbox, type PostedMail } from './inbox.js';
import { Mailbox } from './mailbox.js';

/** What the emulator is started with. */
export interface MailEmulatorOptions {
  /** Whose mailbox the program reads, and whom its mail comes from. Default `desk@shop.example`. */
  readonly address?: string;
  /** Default: the address. */
  readonly user?: string;
  /** Default `test-password`. */
  readonly password?: string;
  /** Default `test-token`. */
  readonly accessToken?: string;
  /** Default: a free one. */
  readonly smtpPort?: number;
  /** Default: a free one. */
  readonly imapPort?: number;
  /** Offers STARTTLS with this certificate. Default: no TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** What goes wrong with mails over SMTP. */
export interface MailFault {
  /** How many it befalls. Default 1. */
  readonly times?: number;
  /** At which step. Default `data`: after the mail was read. */
  readonly step?: 'mail' | 'rcpt' | 'data';
  /** The answer: 4xx is for now, 5xx for good. */
  readonly code?: number;
  /** Default `Refused`. */
  readonly message?: string;
  /** Waits so long before anything else, in milliseconds. */
  readonly delayMs?: number;
  /** Never answers. */
  readonly hangs?: boolean;
  /** Takes the mail, then cuts the connection in place of an answer. */
  readonly cuts?: boolean;
}

/** A mail that was begun, whatever became of it. */
export interface MailTransaction {
  readonly from: string;
  readonly to: string;
  /** The connection ended before the mail had its answer. */
  readonly wasAborted: boolean;
}

/** The same, while it goes on. */
interface Begun {
  readonly from: string;
  to: string;
  wasAborted: boolean;
  isAnswered: boolean;
  readonly session: string;
}

/**
 * The emulator. Needs the packages `smtp-server`, `nodemailer` and `postal-mime`.
 * @example
 * await using mail = await MailEmulator.start();
 * const ada = mail.inbox('ada@example.org');
 * await ada.write({ subject: 'My parcel', text: 'Where is it?' });
 * await ada.reply(await ada.waitForMail('on its way'), 'Thank you!');
 */
export class MailEmulator {
  readonly address: string;
  readonly user: string;
  readonly password: string;
  readonly accessToken: string;
  readonly #mailbox = new Mailbox();
  readonly #behaviour: ImapBehaviour = { keepsKeywords: true, cut: () => false };
  readonly #inboxes = new Map<string, MailInbox>();
  readonly #faults: { fault: MailFault; left: number }[] = [];
  readonly #transactions: Begun[] = [];
  readonly #bounces = new Map<string, { code: string; words: string }>();
  readonly #sockets = new Map<string, Socket>();
  readonly #closing = new AbortController();
  readonly #imap: ImapServer;
  #smtp: SMTPServer | undefined;
  #written = 0;

  private constructor(private readonly options: MailEmulatorOptions) {
    this.address = options.address ?? 'desk@shop.example';
    this.user = options.user ?? this.address;
    this.password = options.password ?? 'test-password';
    this.accessToken = options.accessToken ?? 'test-token';
    this.#imap = new ImapServer(this, this.#mailbox, this.#behaviour);
  }

  /** Starts one on free ports of 127.0.0.1. */
  static async start(options: MailEmulatorOptions = {}): Promise<MailEmulator> {
    const emulator = new MailEmulator(options);
    await emulator.#listen();
    return emulator;
  }

  /** What to hand to `SMTPProvider`, beside `fromAddress`. */
  get smtp(): { readonly host: string; readonly port: number; readonly user: string; readonly password: string; readonly allowInsecure: true } {
    const address = this.#smtp?.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return { host: '127.0.0.1', port, user: this.user, password: this.password, allowInsecure: true };
  }

  /** What to hand to `IMAPSource`, beside `channelId`. */
  get imap(): {
    readonly host: string;
    readonly port: number;
    readonly secure: false;
    readonly user: string;
    readonly password: string;
    readonly allowInsecure: true;
  } {
    return { host: '127.0.0.1', port: this.#imap.port, secure: false, user: this.user, password: this.password, allowInsecure: true };
  }

  /** The mailbox of somebody else; made when first asked for. */
  inbox(address: string): MailInbox {
    const key = address.toLowerCase();
    let inbox = this.#inboxes.get(key);
    if (inbox === undefined) {
      inbox = new MailInbox(key, (mail) => this.#post(mail));
      this.#inboxes.set(key, inbox);
    }
    return inbox;
  }

  /** Mails that were begun, oldest first. */
  get transactions(): readonly MailTransaction[] {
    return this.#transactions;
  }

  /** IMAP commands that were given, oldest first. */
  get imapCommands(): readonly string[] {
    return this.#imap.commands;
  }

  /** Connections of both kinds that are open now. */
  get openConnections(): number {
    return this.#sockets.size + this.#imap.openConnections;
  }

  /** Lets something go wrong with the next mails. */
  fail(fault: MailFault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  /** Mail to this address is taken, and comes back as undeliverable, with a code such as `5.1.1`. */
  bounce(address: string, code = '5.1.1', words = `550 ${code} User unknown`): void {
    this.#bounces.set(address.toLowerCase(), { code, words });
  }

  /** Puts a mail into the program's mailbox as it is. */
  drop(source: string | Uint8Array): void {
    this.#mailbox.add(Buffer.from(source));
  }

  /** The flags of the mails in the program's mailbox, oldest first. */
  flags(): readonly (readonly string[])[] {
    return this.#mailbox.mails.map(({ flags }) => [...flags]);
  }

  /** Ends all connections of IMAP, as a server does that is started again. */
  cutImap(): void {
    this.#imap.cutConnections();
  }

  /** Before each IMAP command this decides whether the connection ends there. */
  cutImapWhen(decide: (command: string) => boolean): void {
    this.#behaviour.cut = decide;
  }

  /** Whether IMAP keeps keywords of clients; some servers do not. */
  keepKeywords(keeps: boolean): void {
    this.#behaviour.keepsKeywords = keeps;
  }

  /** The numbers of the mailbox begin anew (UIDVALIDITY), and its connections end. */
  renumber(): void {
    this.#mailbox.renumber();
    this.cutImap();
  }

  /** Ends everything. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const socket of this.#sockets.values()) socket.destroy();
    const smtp = this.#smtp;
    this.#smtp = undefined;
    if (smtp !== undefined) await new Promise<void>((resolve) => smtp.close(resolve));
    await this.#imap.close();
  }

  /** The same as {@link MailEmulator.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(): Promise<void> {
    const { SMTPServer: Server } = await loadPeer('MailEmulator', 'smtp-server', () => import('smtp-server'));
    const { tls, smtpPort = 0, imapPort = 0 } = this.options;
    const smtp = new Server({
      authMethods: ['PLAIN', 'LOGIN', 'XOAUTH2'],
      allowInsecureAuth: true,
      disableReverseLookup: true,
      logger: false,
      size: 25 * 1024 * 1024,
      ...(tls === undefined ? { disabledCommands: ['STARTTLS'] } : { key: tls.key, cert: tls.cert }),
      onAuth: (auth, _session, done) => done(null, this.#signIn(auth)),
      onMailFrom: ({ address }, session, done) => {
        this.#transactions.push({ from: address, to: '', wasAborted: false, isAnswered: false, session: session.id });
        void this.#step('mail', session, done);
      },
      onRcptTo: ({ address }, session, done) => {
        const begun = this.#begun(session);
        if (begun !== undefined) begun.to = address;
        void this.#step('rcpt', session, done);
      },
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => void this.#taken(Buffer.concat(chunks), session, done));
      },
      onClose: (session) => {
        for (const one of this.#transactions) if (one.session === session.id && !one.isAnswered) one.wasAborted = true;
      },
    });
    smtp.on('error', () => undefined); // clients that go away in the middle
    smtp.server.on('connection', (socket: Socket) => {
      const key = `${socket.remotePort ?? 0}`;
      this.#sockets.set(key, socket);
      socket.on('close', () => this.#sockets.delete(key));
    });
    this.#smtp = smtp;
    await new Promise<void>((resolve, reject) => {
      smtp.once('error', reject);
      smtp.listen(smtpPort, '127.0.0.1', resolve);
    });
    await this.#imap.listen(imapPort);
  }

  #signIn({ username, password, accessToken }: SMTPServerAuthentication): { user?: string; message?: string; responseCode?: number } {
    const isRight = username === this.user && (password === this.password || accessToken === this.accessToken);
    return isRight ? { user: this.user } : { message: '5.7.8 Authentication credentials invalid', responseCode: 535 };
  }

  #begun(session: SMTPServerSession): Begun | undefined {
    return this.#transactions.findLast((one) => one.session === session.id);
  }

  /** What was planned for this step goes wrong; answers whether anything did. */
  async #step(step: NonNullable<MailFault['step']>, session: SMTPServerSession, done: (error?: Error | null) => void): Promise<boolean> {
    const index = this.#faults.findIndex(({ fault }) => (fault.step ?? 'data') === step);
    const found = this.#faults[index];
    if (found === undefined) {
      if (step !== 'data') done();
      return false;
    }
    if (--found.left <= 0) this.#faults.splice(index, 1);
    const { code, message = 'Refused', delayMs, hangs, cuts } = found.fault;
    if (delayMs !== undefined) await pause(delayMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    if (hangs === true) return true;
    if (cuts === true) {
      this.#sockets.get(`${session.remotePort}`)?.destroy();
      return true;
    }
    const begun = this.#begun(session);
    if (begun !== undefined) begun.isAnswered = true;
    done(Object.assign(new Error(message), { responseCode: code ?? 451 }));
    return true;
  }

  async #taken(source: Buffer, session: SMTPServerSession, done: (error?: Error | null, message?: string) => void): Promise<void> {
    const cut = this.#faults.find(({ fault }) => fault.cuts === true && (fault.step ?? 'data') === 'data');
    const willBeRefused = this.#faults.some(({ fault }) => (fault.step ?? 'data') === 'data') && cut === undefined;
    if (!willBeRefused)
      await this.#deliver(
        source,
        session.envelope.rcptTo.map(({ address }) => address.toLowerCase()),
      );
    if (await this.#step('data', session, done)) return;
    const begun = this.#begun(session);
    if (begun !== undefined) begun.isAnswered = true;
    done(null, 'Queued');
  }

  async #deliver(source: Buffer, recipients: readonly string[]): Promise<void> {
    const { default: PostalMime } = await loadPeer('MailEmulator', 'postal-mime', () => import('postal-mime'));
    const mail = arrivedMail(await PostalMime.parse(new Uint8Array(source)), new Uint8Array(source));
    for (const recipient of recipients) {
      const bounce = this.#bounces.get(recipient);
      if (recipient === this.address) this.#mailbox.add(source);
      else if (bounce !== undefined) this.#mailbox.add(Buffer.from(report(recipient, this.address, source, bounce)));
      else this.inbox(recipient).receive(mail);
    }
  }

  /** Somebody wrote: the mail lies in the program's mailbox, or in that of whom it is for. */
  async #post(mail: PostedMail): Promise<string> {
    const { default: MailComposer } = await loadPeer('MailEmulator', 'nodemailer', () => import('nodemailer/lib/mail-composer'));
    const messageId = `<${++this.#written}.${Date.now()}@${mail.from.split('@')[1] ?? 'example.org'}>`;
    const to = mail.to ?? this.address;
    const source = await new MailComposer({
      messageId,
      from: { name: mail.name ?? '', address: mail.from },
      to,
      subject: mail.subject ?? '',
      ...(mail.text !== undefined && { text: mail.text }),
      ...(mail.html !== undefined && { html: mail.html }),
      ...(mail.inReplyTo !== undefined && { inReplyTo: mail.inReplyTo }),
      ...(mail.references !== undefined && { references: [...mail.references] }),
      headers: { ...mail.headers },
      attachments: (mail.attachments ?? []).map(({ filename, mimeType, content, cid }) => ({
        filename,
        contentType: mimeType,
        content: typeof content === 'string' ? content : Buffer.from(content),
        ...(cid !== undefined && { cid }),
      })),
    })
      .compile()
      .build();
    await this.#deliver(source, [to.toLowerCase()]);
    return messageId;
  }
}

/** What a mail server sends back of a mail that nobody takes (RFC 3464). */
function report(recipient: string, sender: string, source: Buffer, { code, words }: { code: string; words: string }): string {
  const headers = source.toString('latin1').split(/\r?\n\r?\n/, 1)[0] ?? '';
  return [
    'Return-Path: <>',
    'From: Mail Delivery Subsystem <mailer-daemon@example.org>',
    `To: ${sender}`,
    'Subject: Delivery Status Notification (Failure)',
    `Message-ID: <report.${Date.now()}@example.org>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="part"',
    '',
    '--part',
    'Content-Type: text/plain; charset=utf-8',
    '',
    `Your mail to ${recipient} could not be delivered.`,
    '',
    '--part',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.org',
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    'Action: failed',
    `Status: ${code}`,
    `Diagnostic-Code: smtp; ${words}`,
    '',
    '--part',
    'Content-Type: text/rfc822-headers',
    '',
    headers,
    '',
    '--part--',
    '',
  ].join('\r\n');
}
