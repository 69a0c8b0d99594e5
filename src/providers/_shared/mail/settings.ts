/** What every provider of mail over HTTP is made with beside its credential (EM-02, EM-03). */
import { ValidationError } from '../../../core/errors.js';
import { requiredText } from '../http/options.js';
import type { MailSettings } from './compose.js';
import { headerValue, isMailAddress } from './headers.js';

/** Whom mail comes from, and what it says when nobody else does. */
export interface MailSenderOptions {
  /** Whom mail comes from: one address. */
  readonly fromAddress?: string;
  /** The name beside it. */
  readonly fromName?: string;
  /** What a mail is about when nothing else says it (EM-02). Default `New message`. */
  readonly subject?: string;
  /** In message ids (EM-03). Default: that of `fromAddress`. */
  readonly domain?: string;
}

/** For programs without types. */
export const MAIL_SENDER_NAMES = { fromAddress: true, fromName: true, subject: true, domain: true } as const;

export function mailSettings(feature: string, options: MailSenderOptions): MailSettings {
  const fromAddress = requiredText(feature, 'fromAddress', options.fromAddress, 'desk@shop.example');
  if (!isMailAddress(fromAddress))
    throw new ValidationError(`The fromAddress of ${feature} is no e-mail address. Give one alone, such as desk@shop.example; its name is fromName.`);
  const domain = options.domain ?? fromAddress.split('@')[1] ?? '';
  if (!/^[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?$/i.test(domain))
    throw new ValidationError(`The domain of ${feature} is '${headerValue(domain)}'. Give the one your mail comes from, such as shop.example.`);
  const name = headerValue(options.fromName ?? '');
  const subject = headerValue(options.subject ?? '');
  return { from: { address: fromAddress, ...(name !== '' && { name }) }, subject: subject === '' ? 'New message' : subject, domain };
}
