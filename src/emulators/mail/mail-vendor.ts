/** What vendors have in common that send mails for a program and post to it those that come in: people's mailboxes, and what becomes of mails. */
import { VendorEmulator, type VendorEmulatorOptions } from '../vendor-emulator.js';
import { MailInbox, type PostedMail } from './inbox.js';

/** What the emulator of such a vendor is started with. */
export interface MailVendorOptions extends VendorEmulatorOptions {
  /** The last part of the address of the webhook. Default `test-secret`. */
  readonly webhookSecret?: string;
  /** The address people write to. Default `desk@shop.example`. */
  readonly address?: string;
}

/** A mail that somebody writes, as it leaves his program. */
export interface LeavingMail extends PostedMail {
  readonly messageId: string;
  readonly to: string;
  /** His name and address. */
  readonly sender: string;
  readonly subject: string;
  /** Those that every mail has; a long list is folded. */
  readonly head: Readonly<Record<string, string>>;
}

/** The ground of their emulators. */
export abstract class MailVendorEmulator<Fate extends object> extends VendorEmulator {
  readonly webhookSecret: string;
  readonly address: string;
  readonly #inboxes = new Map<string, MailInbox>();
  readonly #fates = new Map<string, Fate>();
  #written = 0;

  protected constructor(options: MailVendorOptions) {
    super(options);
    this.webhookSecret = options.webhookSecret ?? 'test-secret';
    this.address = options.address ?? 'desk@shop.example';
  }

  /** The mailbox of a person; made when first asked for. */
  inbox(address: string): MailInbox {
    const key = address.toLowerCase();
    let inbox = this.#inboxes.get(key);
    if (inbox === undefined) {
      inbox = new MailInbox(key, (mail) => this.#post(mail));
      this.#inboxes.set(key, inbox);
    }
    return inbox;
  }

  /** Posts a mail to the program, in the vendor's form. */
  protected abstract postMail(mail: LeavingMail): Promise<{ readonly status: number; readonly answer: string }>;

  /** Says what becomes of the next mails to an address. */
  protected decide(address: string, fate: Fate): void {
    this.#fates.set(address.toLowerCase(), fate);
  }

  /** What was said of this address, else the usual. */
  protected fateOf(address: string, usual: Fate): Fate {
    return this.#fates.get(address.toLowerCase()) ?? usual;
  }

  /** Where mails and events are posted; throws where nobody has said so. */
  protected webhook(): string {
    if (this.webhookUrl === undefined) throw new Error('The emulator has no webhook to call. Start it with { webhookUrl }, or set it.');
    return this.webhookUrl;
  }

  async #post(mail: PostedMail): Promise<string> {
    const messageId = `<${++this.#written}.${Date.now()}@${mail.from.split('@')[1] ?? 'example.org'}>`;
    const sender = mail.name === undefined ? mail.from : `${mail.name} <${mail.from}>`;
    const { to = this.address, subject = '' } = mail;
    const head = {
      'Message-ID': messageId,
      From: sender,
      To: to,
      Subject: subject,
      Date: new Date().toUTCString(),
      ...(mail.inReplyTo !== undefined && { 'In-Reply-To': mail.inReplyTo }),
      ...(mail.references !== undefined && { References: mail.references.join('\r\n ') }),
      ...mail.headers,
    };
    const { status, answer } = await this.postMail({ ...mail, messageId, to, sender, subject, head });
    if (status < 200 || status >= 300) throw new Error(`The webhook answered ${status} to a mail: ${answer}`);
    return messageId;
  }
}
