/** What Twilio's providers are made with. */
import type { Secret } from '../../core/telemetry/secret.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { ValidationError } from '../../core/errors.js';
import {
  baseUrlOf,
  HTTP_OPTION_NAMES,
  optionalSecret,
  requiredSecret,
  requiredText,
  timeoutOf,
  type HttpProviderOptions,
} from '../_shared/http/options.js';

/** Configuration of {@link TwilioSMSProvider}. */
export interface TwilioConfig extends HttpProviderOptions {
  /** `AC…`. Default: the environment variable `TWILIO_ACCOUNT_SID`. */
  readonly accountSid?: string;
  /** Signs webhooks too. Default: the environment variable `TWILIO_AUTH_TOKEN`. */
  readonly authToken?: string | Secret;
  /**
   * The secret of the SharedKey that a Webhooks Rule of the account signs with, where there is one; calls without such a
   * rule are signed with `authToken`. Default: the environment variable `TWILIO_SHARED_KEY_SECRET`.
   */
  readonly sharedKeySecret?: string | Secret;
  /** Whose number messages come from, in E.164; or a short code, or a name where the country allows it. */
  readonly fromNumber?: string;
  /** `MG…`: Twilio picks the number. Goes before `fromNumber`. */
  readonly messagingServiceSid?: string;
  /**
   * Where Twilio reports what became of a message: the public address of the channel's webhook. Default: as set in its
   * console. With it a message whose answer was lost is recognised by its status, and not sent again.
   */
  readonly statusCallback?: string;
  /** Default `https://api.twilio.com`. */
  readonly baseUrl?: string;
  /** Default 10. */
  readonly timeoutSeconds?: number;
}

/** Configuration of {@link TwilioRCSProvider}. */
export interface TwilioRCSConfig extends Omit<TwilioConfig, 'fromNumber'> {
  /** `MG…`: the messaging service with the RCS sender in its pool, and the numbers to fall back to. */
  readonly messagingServiceSid: string;
  /** Where templates are made. Default `https://content.twilio.com`, or `baseUrl` where that is given. */
  readonly contentBaseUrl?: string;
}

const NAMES: OptionNames<TwilioConfig> = {
  accountSid: true,
  authToken: true,
  sharedKeySecret: true,
  fromNumber: true,
  messagingServiceSid: true,
  statusCallback: true,
  ...HTTP_OPTION_NAMES,
};

/** The same, checked. */
export interface TwilioAccount {
  readonly accountSid: string;
  readonly authToken: Secret;
  readonly sharedKeySecret: Secret | undefined;
  readonly from: { readonly MessagingServiceSid: string } | { readonly From: string };
  readonly statusCallback: string | undefined;
  readonly baseUrl: string;
  readonly timeoutSeconds: number;
}

const { fromNumber: _fromNumber, ...SHARED } = NAMES;
const RCS_NAMES: OptionNames<TwilioRCSConfig> = { ...SHARED, contentBaseUrl: true };

export function rcsAccount(feature: string, config: TwilioRCSConfig): TwilioAccount {
  checkOptionNames(`new ${feature}`, config, RCS_NAMES);
  requiredText(feature, 'messagingServiceSid', config.messagingServiceSid, 'MG…');
  const { contentBaseUrl: _contentBaseUrl, ...shared } = config;
  return twilioAccount(feature, shared);
}

export function twilioAccount(feature: string, config: TwilioConfig): TwilioAccount {
  checkOptionNames(`new ${feature}`, config, NAMES);
  const { messagingServiceSid, fromNumber, statusCallback } = config;
  const accountSid = requiredText(feature, 'accountSid', config.accountSid ?? process.env['TWILIO_ACCOUNT_SID'], 'AC…');
  if (!/^AC[0-9a-fA-F]{32}$/.test(accountSid))
    throw new ValidationError(
      `The accountSid of ${feature} is no account. Give AC and 32 hexadecimal digits, from the start page of Twilio's console.`,
    );
  if (messagingServiceSid === undefined && fromNumber === undefined)
    throw new ValidationError(`${feature} has nothing to send from. Pass { fromNumber: '+15550100' } or { messagingServiceSid: 'MG…' }.`);
  if (statusCallback !== undefined && !URL.canParse(statusCallback))
    throw new ValidationError(`The statusCallback of ${feature} is no address. Give the public address of the channel's webhook.`);
  return {
    accountSid,
    authToken: requiredSecret(feature, 'authToken', config.authToken, 'TWILIO_AUTH_TOKEN'),
    sharedKeySecret: optionalSecret(feature, 'sharedKeySecret', config.sharedKeySecret, 'TWILIO_SHARED_KEY_SECRET'),
    from: messagingServiceSid === undefined ? { From: fromNumber ?? '' } : { MessagingServiceSid: messagingServiceSid },
    statusCallback,
    baseUrl: baseUrlOf(feature, config.baseUrl, 'https://api.twilio.com'),
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, 10),
  };
}
