/** The mailbox of a person on the other end of an emulated mail server: mails arrive, and answers go back. */
import { Arrivals, isMatch } from '../arrivals.js';
import type { Attachment, Email } from 'postal-mime';

/** A mail that came into the inbox. */
export interface ArrivedMail {
  /** With its angle brackets. */
  readonly messageId: string;
  readonly from: string;
  readonly fromName: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string | undefined;
  readonly inReplyTo: string | undefined;
  readonly references: readonly string[];
  readonly attachments: readonly { readonly filename: string; readonly mimeType: string; readonly content: Uint8Array }[];
  /** By their lower-case names; of a name that comes twice, the first. */
  readonly headers: Readonly<Record<string, string>>;
  /** As it came over the wire. */
  readonly source: Uint8Array;
}

/** What somebody writes. */
export interface WrittenMail {
  readonly text?: string;
  readonly html?: string;
  readonly subject?: string;
  /** Default: the account's address. */
  readonly to?: string;
  /** The name beside the address. */
  readonly name?: string;
  readonly attachments?: readonly {
    readonly filename: string;
    readonly mimeType: string;
    readonly content: string | Uint8Array;
    readonly cid?: string;
  }[];
  /** Further headers, such as `Auto-Submitted`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A mail ready to be posted. */
export interface PostedMail extends WrittenMail {
  readonly from: string;
  readonly inReplyTo?: string;
  readonly references?: readonly string[];
}

/** One person's mailbox. Made by an emulator: `emulator.inbox('ada@example.org')`. */
export class MailInbox {
  readonly #arrivals = new Arrivals<ArrivedMail>();

  constructor(
    readonly address: string,
    private readonly post: (mail: PostedMail) => Promise<string>,
  ) {}

  /** Everything that came, oldest first. */
  get mails(): readonly ArrivedMail[] {
    return this.#arrivals.all;
  }

  /** Writes a mail that answers none; resolves with its Message-ID when it lies in the mailbox, or the program's webhook has answered. */
  write(mail: WrittenMail | string): Promise<string> {
    const written = typeof mail === 'string' ? { text: mail } : mail;
    return this.post({ ...written, from: this.address });
  }

  /** Answers a mail as mail programs do: in its thread, with what it said below. */
  reply(mail: ArrivedMail, text: string, more: Omit<WrittenMail, 'text'> = {}): Promise<string> {
    const quoted = mail.text.replace(/^/gm, '> ');
    return this.post({
      from: this.address,
      to: mail.from,
      subject: /^re:/i.test(mail.subject) ? mail.subject : `Re: ${mail.subject}`,
      text: `${text}\n\nOn Wed, Nov 25, 2026 at 12:00, ${mail.fromName === '' ? mail.from : mail.fromName} <${mail.from}> wrote:\n${quoted}\n`,
      inReplyTo: mail.messageId,
      references: [...mail.references, mail.messageId],
      ...more,
    });
  }

  /** The next mail that was not waited for yet and matches its subject or text; rejects when none comes in time (10 s, unless told otherwise). */
  waitForMail(match: string | RegExp = '', { timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<ArrivedMail> {
    const what = `A mail to ${this.address} with ${String(match) || 'anything'}`;
    return this.#arrivals.next(({ subject, text }) => isMatch(match, `${subject}\n${text}`), what, timeoutMs);
  }

  /** A mail arrives. Called by the emulator. */
  receive(mail: ArrivedMail): void {
    this.#arrivals.add(mail);
  }

  /** Called with each mail that comes from now on. Returns what stops it. */
  onMail(listener: (mail: ArrivedMail) => void): () => void {
    return this.#arrivals.listen(listener);
  }
}

/** A mail as the person sees it. */
export function arrivedMail(email: Email, source: Uint8Array): ArrivedMail {
  const headers: Record<string, string> = {};
  for (const { key, value } of email.headers) headers[key] ??= value;
  return {
    messageId: email.messageId ?? '',
    from: email.from?.address ?? '',
    fromName: email.from?.name ?? '',
    to: (email.to ?? []).flatMap(({ address }) => address ?? []),
    subject: email.subject ?? '',
    text: (email.text ?? '').replace(/\r\n/g, '\n').replace(/\n$/, ''),
    html: email.html,
    inReplyTo: email.inReplyTo,
    references: email.references?.match(/<[^<>\s]+>/g) ?? [],
    attachments: email.attachments.map(({ filename, mimeType, content }) => ({ filename: filename ?? '', mimeType, content: bytesOf(content) })),
    headers,
    source,
  };
}

function bytesOf(content: Attachment['content']): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content);
}
