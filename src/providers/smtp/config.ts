/** What the SMTP provider and the IMAP source are made with, and the same, checked (PV-01). */
import { ValidationError } from '../../core/errors.js';
import type { Awaitable } from '../../core/models/json.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { Secret } from '../../core/telemetry/secret.js';
import { optionalSecret, requiredText, timeoutOf } from '../_shared/http/options.js';
import { headerValue } from '../_shared/mail/headers.js';
import type { MailSettings } from '../_shared/mail/compose.js';
import { MAIL_SENDER_NAMES, mailSettings, type MailSenderOptions } from '../_shared/mail/settings.js';

/** A server, and who signs in there. */
export interface MailServerOptions {
  /** Its name: `mail.example.org`. */
  readonly host?: string;
  /** Who signs in. Without it nobody does. */
  readonly user?: string;
  /** The password, or an app password. */
  readonly password?: string | Secret;
  /** In place of a password: an OAuth 2 access token (XOAUTH2), or what gives a fresh one for each connection. */
  readonly accessToken?: string | Secret | (() => Awaitable<string>);
  /** Speaks without TLS when the server offers none. For a server on the same machine, and for tests. Default false. */
  readonly allowInsecure?: boolean;
  /** Options for Node's TLS, such as a certificate authority of your own, as PEM: `{ ca }`. */
  readonly tls?: { readonly ca?: string; readonly servername?: string; readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' };
}

/** Configuration of {@link SMTPProvider}. */
export interface SMTPConfig extends MailServerOptions, MailSenderOptions {
  /** Default: the environment variable `SMTP_HOST`. */
  readonly host?: string;
  /** Default 465 with `secure`, else 587. */
  readonly port?: number;
  /** TLS from the first byte. Default: only on port 465; elsewhere TLS begins with STARTTLS, and nothing is said before. */
  readonly secure?: boolean;
  /** Default: the environment variable `SMTP_USER`. */
  readonly user?: string;
  /** Default: the environment variable `SMTP_PASSWORD`. */
  readonly password?: string | Secret;
  /** Until a mail is taken. Default 30. */
  readonly timeoutSeconds?: number;
  /** Connections that are kept open at most. Default 5. */
  readonly maxConnections?: number;
}

/** Configuration of {@link IMAPSource}. */
export interface IMAPConfig extends MailServerOptions {
  /** The channel its mails come over: the one it is attached to. */
  readonly channelId: string;
  /** Default: the environment variable `IMAP_HOST`. */
  readonly host?: string;
  /** Default 993 with `secure`, else 143. */
  readonly port?: number;
  /** TLS from the first byte. Default: unless the port is 143. */
  readonly secure?: boolean;
  /** Default: the environment variable `IMAP_USER`. */
  readonly user?: string;
  /** Default: the environment variable `IMAP_PASSWORD`. */
  readonly password?: string | Secret;
  /** Default `INBOX`. */
  readonly mailbox?: string;
  /** What marks a mail as taken. Default the keyword `$RoomKit`; `\Seen` where the server keeps no keywords of others. */
  readonly mark?: string;
  /**
   * Mails that arrived before are left alone. Default: the first start. Give it in production: with it nothing is lost even
   * when a first start is followed by a pause before the first mail.
   */
  readonly since?: Date | string;
  /** A longer mail is read no further. Default 25 MiB. */
  readonly maxMailBytes?: number;
  /** The name of the provider that sends, which reports of undelivered mails are about. Default `smtp`. */
  readonly sentBy?: string;
  /** Without a word of the server for so long the connection counts as lost. Default 300. */
  readonly timeoutSeconds?: number;
}

const SERVER_NAMES: OptionNames<MailServerOptions> = { host: true, user: true, password: true, accessToken: true, allowInsecure: true, tls: true };

const SMTP_NAMES: OptionNames<SMTPConfig> = {
  ...SERVER_NAMES,
  port: true,
  secure: true,
  ...MAIL_SENDER_NAMES,
  timeoutSeconds: true,
  maxConnections: true,
};

const IMAP_NAMES: OptionNames<IMAPConfig> = {
  ...SERVER_NAMES,
  channelId: true,
  port: true,
  secure: true,
  mailbox: true,
  mark: true,
  since: true,
  maxMailBytes: true,
  sentBy: true,
  timeoutSeconds: true,
};

/** A server, checked. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly allowInsecure: boolean;
  readonly tls: NonNullable<MailServerOptions['tls']>;
  readonly login: MailLogin | undefined;
  readonly timeoutSeconds: number;
}

/** Who signs in, and how. */
export interface MailLogin {
  readonly user: string;
  readonly password: Secret | undefined;
  readonly token: (() => Awaitable<Secret>) | undefined;
}

export interface SMTPAccount extends MailServer {
  readonly mail: MailSettings;
  readonly maxConnections: number;
}

export interface IMAPAccount extends MailServer {
  readonly channelId: string;
  readonly mailbox: string;
  readonly mark: string;
  readonly since: Date | undefined;
  readonly maxMailBytes: number;
  readonly sentBy: string;
}

export function smtpAccount(feature: string, config: SMTPConfig): SMTPAccount {
  checkOptionNames(`new ${feature}`, config, SMTP_NAMES);
  const secure = config.secure ?? config.port === 465;
  return {
    ...serverOf(feature, config, 'SMTP', secure, secure ? 465 : 587, 30),
    mail: mailSettings(feature, config),
    maxConnections: wholeNumber(feature, 'maxConnections', config.maxConnections, 5),
  };
}

export function imapAccount(feature: string, config: IMAPConfig): IMAPAccount {
  checkOptionNames(`new ${feature}`, config, IMAP_NAMES);
  const secure = config.secure ?? config.port !== 143;
  const since = config.since === undefined ? undefined : new Date(config.since);
  if (since !== undefined && Number.isNaN(since.getTime()))
    throw new ValidationError(`The since of ${feature} is '${String(config.since)}'. Give a date, such as '2026-11-25T00:00:00Z'.`);
  const mark = config.mark ?? '$RoomKit';
  if (!/^(?:\\Seen|[A-Za-z0-9$_.-]{1,60})$/.test(mark))
    throw new ValidationError(`The mark of ${feature} is '${headerValue(mark)}'. Give a keyword of letters and digits, or '\\Seen'.`);
  const server = serverOf(feature, config, 'IMAP', secure, secure ? 993 : 143, 300);
  if (server.login === undefined) throw new ValidationError(`${feature} has no user. Pass { user, password } or { user, accessToken }.`);
  return {
    ...server,
    channelId: requiredText(feature, 'channelId', config.channelId, 'email'),
    mailbox: config.mailbox ?? 'INBOX',
    mark,
    since,
    maxMailBytes: wholeNumber(feature, 'maxMailBytes', config.maxMailBytes, 25 * 1024 * 1024),
    sentBy: config.sentBy ?? 'smtp',
  };
}

function serverOf(
  feature: string,
  config: MailServerOptions & { readonly port?: number; readonly timeoutSeconds?: number },
  prefix: 'SMTP' | 'IMAP',
  secure: boolean,
  port: number,
  timeoutSeconds: number,
): MailServer {
  const user = config.user ?? process.env[`${prefix}_USER`];
  const password = optionalSecret(feature, 'password', config.password, `${prefix}_PASSWORD`);
  const token = tokenOf(feature, config.accessToken);
  if ((config.password !== undefined || token !== undefined) && user === undefined)
    throw new ValidationError(`${feature} has a credential and no user. Pass { user }, or set ${prefix}_USER in the environment.`);
  if (user !== undefined && password === undefined && token === undefined)
    throw new ValidationError(`${feature} has no password. Pass { password } or { accessToken }, or set ${prefix}_PASSWORD in the environment.`);
  return {
    host: requiredText(feature, 'host', config.host ?? process.env[`${prefix}_HOST`], `${prefix.toLowerCase()}.example.org`),
    port: wholeNumber(feature, 'port', config.port, port),
    secure,
    allowInsecure: config.allowInsecure === true,
    tls: config.tls ?? {},
    login: user === undefined ? undefined : { user, password, token },
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, timeoutSeconds),
  };
}

function tokenOf(feature: string, given: MailServerOptions['accessToken']): MailLogin['token'] {
  if (given === undefined) return undefined;
  if (typeof given === 'function') return async () => new Secret(await given());
  const token = optionalSecret(feature, 'accessToken', given);
  return token === undefined ? undefined : () => token;
}

function wholeNumber(feature: string, option: string, given: number | undefined, standard: number): number {
  if (given === undefined) return standard;
  if (!Number.isSafeInteger(given) || given <= 0)
    throw new ValidationError(`The ${option} of ${feature} is ${String(given)}. Give a whole number above 0.`);
  return given;
}
