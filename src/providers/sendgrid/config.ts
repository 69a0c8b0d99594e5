/** What the SendGrid provider is made with. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { baseUrlOf, HTTP_OPTION_NAMES, optionalSecret, requiredSecret, timeoutOf, type HttpProviderOptions } from '../_shared/http/options.js';
import type { MailSettings } from '../_shared/mail/compose.js';
import { MAIL_SENDER_NAMES, mailSettings, type MailSenderOptions } from '../_shared/mail/settings.js';

/** Configuration of {@link SendGridProvider}. */
export interface SendGridConfig extends HttpProviderOptions, MailSenderOptions {
  /** `SG.…`, with the right to send mail. Default: the environment variable `SENDGRID_API_KEY`. */
  readonly apiKey?: string | Secret;
  /** The verification key of the signed event webhook, from its settings. Default: the environment variable `SENDGRID_WEBHOOK_PUBLIC_KEY`. */
  readonly webhookPublicKey?: string;
  /** Inbound parse signs nothing: this is the last part of its address. Default: the environment variable `SENDGRID_WEBHOOK_SECRET`. */
  readonly webhookSecret?: string | Secret;
  /** Default `https://api.sendgrid.com`; `https://api.eu.sendgrid.com` for subusers in the EU. */
  readonly baseUrl?: string;
  /** Default 30. */
  readonly timeoutSeconds?: number;
}

const NAMES: OptionNames<SendGridConfig> = {
  apiKey: true,
  webhookPublicKey: true,
  webhookSecret: true,
  ...MAIL_SENDER_NAMES,
  ...HTTP_OPTION_NAMES,
};

/** The same, checked. */
export interface SendGridAccount {
  readonly apiKey: Secret;
  readonly mail: MailSettings;
  readonly publicKey: KeyObject | undefined;
  readonly webhookSecret: Secret | undefined;
  readonly baseUrl: string;
  readonly timeoutSeconds: number;
}

export function sendGridAccount(feature: string, config: SendGridConfig): SendGridAccount {
  checkOptionNames(`new ${feature}`, config, NAMES);
  return {
    apiKey: requiredSecret(feature, 'apiKey', config.apiKey, 'SENDGRID_API_KEY'),
    mail: mailSettings(feature, config),
    publicKey: publicKeyOf(feature, config.webhookPublicKey ?? process.env['SENDGRID_WEBHOOK_PUBLIC_KEY']),
    webhookSecret: optionalSecret(feature, 'webhookSecret', config.webhookSecret, 'SENDGRID_WEBHOOK_SECRET'),
    baseUrl: baseUrlOf(feature, config.baseUrl, 'https://api.sendgrid.com'),
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, 30),
  };
}

/** As the console shows it: base64 of a DER, without the lines of a PEM; a PEM is taken too. */
function publicKeyOf(feature: string, given: string | undefined): KeyObject | undefined {
  if (given === undefined || given.trim() === '') return undefined;
  try {
    const key = given.includes('-----BEGIN')
      ? createPublicKey(given)
      : createPublicKey({ key: Buffer.from(given.trim(), 'base64'), format: 'der', type: 'spki' });
    if (key.asymmetricKeyType === 'ec') return key;
  } catch {
    // said below
  }
  throw new ValidationError(`The webhookPublicKey of ${feature} is no key. Give the verification key from the settings of the event webhook.`);
}
