/** What the Elastic Email provider is made with. */
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { baseUrlOf, HTTP_OPTION_NAMES, optionalSecret, requiredSecret, timeoutOf, type HttpProviderOptions } from '../_shared/http/options.js';
import type { MailSettings } from '../_shared/mail/compose.js';
import { MAIL_SENDER_NAMES, mailSettings, type MailSenderOptions } from '../_shared/mail/settings.js';

/** Configuration of {@link ElasticEmailProvider}. */
export interface ElasticEmailConfig extends HttpProviderOptions, MailSenderOptions {
  /** With the right to send over HTTP. Default: the environment variable `ELASTICEMAIL_API_KEY`. */
  readonly apiKey?: string | Secret;
  /** Elastic Email signs nothing: this is the last part of the webhook's address. Default: the environment variable `ELASTICEMAIL_WEBHOOK_SECRET`. */
  readonly webhookSecret?: string | Secret;
  /** Default `https://api.elasticemail.com`. */
  readonly baseUrl?: string;
  /** Default 30. */
  readonly timeoutSeconds?: number;
}

const NAMES: OptionNames<ElasticEmailConfig> = { apiKey: true, webhookSecret: true, ...MAIL_SENDER_NAMES, ...HTTP_OPTION_NAMES };

/** The same, checked. */
export interface ElasticEmailAccount {
  readonly apiKey: Secret;
  readonly mail: MailSettings;
  readonly webhookSecret: Secret | undefined;
  readonly baseUrl: string;
  readonly timeoutSeconds: number;
}

export function elasticEmailAccount(feature: string, config: ElasticEmailConfig): ElasticEmailAccount {
  checkOptionNames(`new ${feature}`, config, NAMES);
  return {
    apiKey: requiredSecret(feature, 'apiKey', config.apiKey, 'ELASTICEMAIL_API_KEY'),
    mail: mailSettings(feature, config),
    webhookSecret: optionalSecret(feature, 'webhookSecret', config.webhookSecret, 'ELASTICEMAIL_WEBHOOK_SECRET'),
    baseUrl: baseUrlOf(feature, config.baseUrl, 'https://api.elasticemail.com'),
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, 30),
  };
}
