/** Mail over SMTP, by nodemailer. @see https://nodemailer.com/smtp */
import type { Transporter } from 'nodemailer';
import type { TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import { composeMail, type OutgoingMail } from '../_shared/mail/compose.js';
import { loadPeer } from '../_shared/peer.js';
import { smtpAccount, type SMTPAccount, type SMTPConfig } from './config.js';
import { smtpFailure } from './failure.js';

const FEATURE = 'SMTPProvider';

/**
 * Sends mail over any server that speaks SMTP, over a few connections that stay open. Answers come in over an
 * {@link IMAPSource}, or another way. Needs the package `nodemailer`.
 * @example new EmailChannel('email', { provider: new SMTPProvider({ host: 'smtp.example.org', user, password, fromAddress: 'desk@shop.example' }) })
 */
export class SMTPProvider implements TransportProvider {
  readonly name = 'smtp';
  readonly #account: SMTPAccount;
  #transporter: Promise<Transporter> | undefined;
  #isClosed = false;

  constructor(config: SMTPConfig) {
    this.#account = smtpAccount(FEATURE, config);
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const mail = await composeMail(request, this.#account.mail);
    if ('success' in mail) return mail;
    if (this.#isClosed) return { success: false, error: 'not_connected', retryable: true };
    const { login, timeoutSeconds } = this.#account;
    const secrets = login?.password === undefined ? [] : spellingsOf(login.user, login.password.reveal());
    const transporter = await (this.#transporter ??= this.#open());
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(Math.min(timeoutSeconds * 1000, 2 ** 31 - 1))]);
    try {
      const token = await login?.token?.();
      if (token !== undefined) secrets.push(token.reveal());
      const auth = login === undefined || token === undefined ? undefined : { user: login.user, accessToken: token.reveal() };
      const { response } = (await transporter.sendMail({ ...messageOf(mail), ...(auth !== undefined && { auth }), signal })) as { response?: string };
      return { success: true, providerMessageId: mail.messageId, ...(response !== undefined && { metadata: { response: response.slice(0, 200) } }) };
    } catch (error) {
      if (signal.aborted) return { success: false, error: 'timeout', retryable: true };
      return smtpFailure(error, secrets);
    }
  }

  /** Ends the connections. A mail that is on its way is taken first. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = this.#transporter;
    this.#transporter = undefined;
    (await opened)?.close();
  }

  async #open(): Promise<Transporter> {
    const { createTransport } = await loadPeer(FEATURE, 'nodemailer', () => import('nodemailer'));
    const { host, port, secure, allowInsecure, tls, login, maxConnections, timeoutSeconds } = this.#account;
    const patience = Math.min(timeoutSeconds * 1000, 2 ** 31 - 1);
    const timeouts = { connectionTimeout: patience, greetingTimeout: patience, socketTimeout: patience, dnsTimeout: patience };
    const server = { host, port, secure, requireTLS: !allowInsecure, tls: { ...tls }, ...timeouts };
    // Nothing of a mail names a file or an address to be read (PV-14).
    const closed = { disableFileAccess: true, disableUrlAccess: true } as const;
    // A token ends after an hour, a connection need not: with tokens each mail has its own.
    if (login?.token !== undefined) return createTransport({ ...server, ...closed, auth: { type: 'OAuth2', user: login.user } });
    const auth = login?.password === undefined ? {} : { auth: { user: login.user, pass: login.password.reveal() } };
    return createTransport({ ...server, ...closed, ...auth, pool: true, maxConnections, maxMessages: 100 });
  }
}

function messageOf(mail: OutgoingMail): Parameters<Transporter['sendMail']>[0] {
  const { from, to, subject, text, html, attachments, messageId, inReplyTo, references, headers } = mail;
  return {
    from: { name: from.name ?? '', address: from.address },
    to: { name: '', address: to },
    envelope: { from: from.address, to },
    subject,
    text,
    ...(html !== undefined && { html }),
    attachments: attachments.map(({ filename, mimeType, bytes }) => ({ filename, contentType: mimeType, content: Buffer.from(bytes) })),
    messageId,
    ...(inReplyTo !== undefined && { inReplyTo }),
    references: [...references],
    headers: { ...headers },
  };
}

/** As they go over the wire: a server may repeat what it was told. */
function spellingsOf(user: string, password: string): string[] {
  return [password, Buffer.from(password).toString('base64'), Buffer.from(`\u0000${user}\u0000${password}`).toString('base64')];
}
