/**
 * As much of IMAP (RFC 3501) as a client needs to read a mailbox: signing in, selecting, searching, fetching, flags, and IDLE
 * (RFC 2177). One account, one mailbox `INBOX`, on loopback, without TLS.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { readCommand, type ImapValue } from './imap-syntax.js';
import type { Mailbox, StoredMail } from './mailbox.js';

/** Who may sign in. */
export interface ImapAccount {
  readonly user: string;
  readonly password: string;
  readonly accessToken: string;
}

/** What the server is told to do wrong. */
export interface ImapBehaviour {
  /** Whether keywords of clients are kept. */
  keepsKeywords: boolean;
  /** Called before each command; true ends the connection. */
  cut: (command: string) => boolean;
}

const CAPABILITIES = 'IMAP4rev1 IDLE SASL-IR AUTH=PLAIN AUTH=XOAUTH2 LITERAL+';

export class ImapServer {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly commands: string[] = [];

  constructor(
    private readonly account: ImapAccount,
    private readonly mailbox: Mailbox,
    private readonly behaviour: ImapBehaviour,
  ) {}

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
  }

  /** Ends every connection, as a server does that is started again. */
  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cutConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const session = new ImapSession(socket, this.account, this.mailbox, this.behaviour, this.commands);
    let buffer = Buffer.alloc(0);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      session.end();
    });
    socket.on('error', () => undefined); // the client went away
    socket.on('data', (chunk) => {
      buffer = Buffer.concat([buffer, Buffer.from(chunk)]);
      for (;;) {
        const read = readCommand(buffer);
        if (read === undefined) return;
        if (read.asksFor === true && !session.hasAsked) socket.write('+ go on\r\n');
        session.hasAsked = read.asksFor === true;
        if (read.values === undefined) return;
        buffer = buffer.subarray(read.length);
        session.take(read.values);
      }
    });
  }
}

class ImapSession {
  hasAsked = false;
  #isSignedIn = false;
  #isSelected = false;
  /** How many mails the client knows of. */
  #known = 0;
  #idleTag: string | undefined;
  #authenticating: { readonly tag: string; readonly method: string } | undefined;
  #unwatch: () => void = () => undefined;

  constructor(
    private readonly socket: Socket,
    private readonly account: ImapAccount,
    private readonly mailbox: Mailbox,
    private readonly behaviour: ImapBehaviour,
    private readonly commands: string[],
  ) {
    this.#say(`* OK [CAPABILITY ${CAPABILITIES}] ready`);
  }

  end(): void {
    this.#unwatch();
  }

  take(values: readonly ImapValue[]): void {
    const [tag = '', name = '', ...rest] = values.map((value) => value);
    const word = textOf(name).toUpperCase();
    if (this.#authenticating !== undefined) return this.#authenticate(this.#authenticating.tag, this.#authenticating.method, textOf(tag));
    if (this.#idleTag !== undefined && textOf(tag).toUpperCase() === 'DONE') {
      const idle = this.#idleTag;
      this.#idleTag = undefined;
      return this.#say(`${idle} OK IDLE terminated`);
    }
    const byUid = word === 'UID';
    const [command, args] = byUid ? [textOf(rest[0] ?? '').toUpperCase(), rest.slice(1)] : [word, rest];
    this.commands.push(byUid ? `UID ${command}` : command);
    if (this.behaviour.cut(command)) {
      this.socket.destroy();
      return;
    }
    this.#run(textOf(tag), command, args, byUid);
  }

  #run(tag: string, command: string, args: readonly ImapValue[], byUid: boolean): void {
    switch (command) {
      case 'CAPABILITY':
        this.#say(`* CAPABILITY ${CAPABILITIES}`);
        return this.#say(`${tag} OK done`);
      case 'NOOP':
        this.#tellNew();
        return this.#say(`${tag} OK done`);
      case 'LOGOUT':
        this.#say('* BYE see you');
        this.#say(`${tag} OK done`);
        this.socket.end();
        return;
      case 'LOGIN':
        return this.#signIn(tag, textOf(args[0] ?? '') === this.account.user && textOf(args[1] ?? '') === this.account.password);
      case 'AUTHENTICATE': {
        const method = textOf(args[0] ?? '').toUpperCase();
        if (args[1] !== undefined) return this.#authenticate(tag, method, textOf(args[1]));
        this.#authenticating = { tag, method };
        return this.#say('+ ');
      }
    }
    if (!this.#isSignedIn) return this.#say(`${tag} BAD Sign in first`);
    switch (command) {
      case 'LIST':
      case 'LSUB':
        this.#say(`* ${command} (\\HasNoChildren) "/" INBOX`);
        return this.#say(`${tag} OK done`);
      case 'SELECT':
      case 'EXAMINE':
        return this.#select(tag, textOf(args[0] ?? ''));
    }
    if (!this.#isSelected) return this.#say(`${tag} BAD Select a mailbox first`);
    switch (command) {
      case 'SEARCH':
        return this.#search(tag, args, byUid);
      case 'FETCH':
        return this.#fetch(tag, args, byUid);
      case 'STORE':
        return this.#store(tag, args, byUid);
      case 'IDLE':
        this.#idleTag = tag;
        this.#say('+ idling');
        return this.#tellNew();
      case 'CLOSE':
      case 'UNSELECT':
        this.#isSelected = false;
        return this.#say(`${tag} OK done`);
      default:
        return this.#say(`${tag} BAD Unknown command ${command}`);
    }
  }

  #authenticate(tag: string, method: string, response: string): void {
    this.#authenticating = undefined;
    const given = Buffer.from(response, 'base64').toString('utf8');
    const { user, password, accessToken } = this.account;
    if (method === 'PLAIN') return this.#signIn(tag, given.replace(/^[^\0]*\0/, '') === `${user}\0${password}`);
    if (method === 'XOAUTH2') return this.#signIn(tag, given === `user=${user}\u0001auth=Bearer ${accessToken}\u0001\u0001`);
    this.#say(`${tag} NO Unknown method`);
  }

  #signIn(tag: string, isRight: boolean): void {
    this.#isSignedIn = isRight;
    this.#say(isRight ? `${tag} OK [CAPABILITY ${CAPABILITIES}] signed in` : `${tag} NO [AUTHENTICATIONFAILED] Authentication failed.`);
  }

  #select(tag: string, name: string): void {
    if (name.toUpperCase() !== 'INBOX') return this.#say(`${tag} NO [NONEXISTENT] There is no mailbox ${name}`);
    this.#isSelected = true;
    this.#known = this.mailbox.mails.length;
    this.#unwatch();
    this.#unwatch = this.mailbox.watch(() => {
      if (this.#idleTag !== undefined) this.#tellNew();
    });
    const system = '\\Answered \\Flagged \\Deleted \\Seen \\Draft';
    this.#say(`* FLAGS (${system})`);
    this.#say(`* OK [PERMANENTFLAGS (${system}${this.behaviour.keepsKeywords ? ' \\*' : ''})] kept`);
    this.#say(`* ${this.#known} EXISTS`);
    this.#say('* 0 RECENT');
    this.#say(`* OK [UIDVALIDITY ${this.mailbox.uidValidity}] valid`);
    this.#say(`* OK [UIDNEXT ${this.mailbox.uidNext}] next`);
    this.#say(`${tag} OK [READ-WRITE] selected`);
  }

  #tellNew(): void {
    if (!this.#isSelected || this.mailbox.mails.length === this.#known) return;
    this.#known = this.mailbox.mails.length;
    this.#say(`* ${this.#known} EXISTS`);
  }

  #search(tag: string, args: readonly ImapValue[], byUid: boolean): void {
    const words = args.map(textOf);
    const tests: ((mail: StoredMail) => boolean)[] = [];
    for (let at = 0; at < words.length; at++) {
      const key = (words[at] ?? '').toUpperCase();
      const has = (flag: string) => (mail: StoredMail) => [...mail.flags].some((one) => one.toLowerCase() === flag.toLowerCase());
      const not = (test: (mail: StoredMail) => boolean) => (mail: StoredMail) => !test(mail);
      if (key === 'KEYWORD') tests.push(has(words[++at] ?? ''));
      else if (key === 'UNKEYWORD') tests.push(not(has(words[++at] ?? '')));
      else if (key === 'SEEN') tests.push(has('\\Seen'));
      else if (key === 'UNSEEN') tests.push(not(has('\\Seen')));
      else if (key === 'DELETED') tests.push(has('\\Deleted'));
      else if (key === 'UNDELETED') tests.push(not(has('\\Deleted')));
      else if (key === 'SINCE') {
        const day = Date.parse(`${words[++at] ?? ''} UTC`);
        tests.push(({ arrivedAt }) => arrivedAt.getTime() >= day);
      } else if (key !== 'ALL') return this.#say(`${tag} BAD Unknown key ${key}`);
    }
    const found = this.mailbox.named('1:*', false).filter(({ mail }) => tests.every((test) => test(mail)));
    this.#say(`* SEARCH${found.map(({ mail, place }) => ` ${byUid ? mail.uid : place}`).join('')}`);
    this.#say(`${tag} OK done`);
  }

  #fetch(tag: string, args: readonly ImapValue[], byUid: boolean): void {
    const items = (Array.isArray(args[1]) ? args[1] : [args[1] ?? '']).map((item) => textOf(item as ImapValue).toUpperCase());
    for (const { mail, place } of this.mailbox.named(textOf(args[0] ?? ''), byUid)) {
      const parts: Buffer[] = byUid && !items.includes('UID') ? [Buffer.from(`UID ${mail.uid}`)] : [];
      for (const item of items) {
        const body = /^BODY(?:\.PEEK)?\[\](?:<(\d+)\.(\d+)>)?$/.exec(item);
        if (item === 'UID') parts.push(Buffer.from(`UID ${mail.uid}`));
        else if (item === 'FLAGS') parts.push(Buffer.from(`FLAGS (${[...mail.flags].join(' ')})`));
        else if (item === 'RFC822.SIZE') parts.push(Buffer.from(`RFC822.SIZE ${mail.source.length}`));
        else if (item === 'INTERNALDATE') parts.push(Buffer.from(`INTERNALDATE "${internalDate(mail.arrivedAt)}"`));
        else if (body !== null) {
          const start = Number(body[1] ?? 0);
          const piece = body[2] === undefined ? mail.source : mail.source.subarray(start, start + Number(body[2]));
          parts.push(Buffer.concat([Buffer.from(`BODY[]${body[1] === undefined ? '' : `<${start}>`} {${piece.length}}\r\n`), piece]));
        } else return this.#say(`${tag} BAD Unknown item ${item}`);
      }
      const spaced = parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from(' '), part]));
      this.socket.write(Buffer.concat([Buffer.from(`* ${place} FETCH (`), ...spaced, Buffer.from(')\r\n')]));
    }
    this.#say(`${tag} OK done`);
  }

  #store(tag: string, args: readonly ImapValue[], byUid: boolean): void {
    const what = textOf(args[1] ?? '').toUpperCase();
    const given = args[2];
    const flags = (Array.isArray(given) ? given : [given ?? '']).map((flag) => textOf(flag as ImapValue));
    for (const { mail, place } of this.mailbox.named(textOf(args[0] ?? ''), byUid)) {
      if (what.startsWith('FLAGS')) mail.flags.clear();
      for (const flag of flags) {
        if (what.startsWith('-')) mail.flags.delete(flag);
        else if (flag.startsWith('\\') || this.behaviour.keepsKeywords) mail.flags.add(flag);
      }
      if (!what.endsWith('.SILENT')) this.#say(`* ${place} FETCH (UID ${mail.uid} FLAGS (${[...mail.flags].join(' ')}))`);
    }
    this.#say(`${tag} OK done`);
  }

  #say(line: string): void {
    if (!this.socket.destroyed) this.socket.write(`${line}\r\n`);
  }
}

function textOf(value: ImapValue): string {
  return typeof value === 'string' ? value : '';
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function internalDate(date: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = `${two(date.getUTCDate())}-${MONTHS[date.getUTCMonth()] ?? ''}-${date.getUTCFullYear()}`;
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
