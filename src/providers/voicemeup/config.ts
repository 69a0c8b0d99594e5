/** What VoiceMeUp's provider is made with. */
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import type { Secret } from '../../core/telemetry/secret.js';
import {
  baseUrlOf,
  HTTP_OPTION_NAMES,
  optionalSecret,
  requiredSecret,
  requiredText,
  timeoutOf,
  type HttpProviderOptions,
} from '../_shared/http/options.js';

/** Configuration of {@link VoiceMeUpSMSProvider}. */
export interface VoiceMeUpConfig extends HttpProviderOptions {
  /** Of a user with API access. Default: the environment variable `VOICEMEUP_USERNAME`. */
  readonly username?: string;
  /** Of that user. Default: the environment variable `VOICEMEUP_AUTH_TOKEN`. */
  readonly authToken?: string | Secret;
  /** Whose number messages come from: one of the account with SMS switched on. */
  readonly fromNumber: string;
  /** Default `production`. */
  readonly environment?: 'production' | 'sandbox';
  /**
   * A secret of your own, 16 or more letters, digits, `-` and `_`: VoiceMeUp signs nothing, so its callback URL ends with it
   * (`https://YOUR-ADDRESS/webhooks/sms/SECRET`). Without it the webhook is refused. Default: the environment variable
   * `VOICEMEUP_WEBHOOK_SECRET`.
   */
  readonly webhookSecret?: string | Secret;
  /** How long the words of an MMS wait for its picture, which comes in a call of its own. Default 5. */
  readonly mmsTimeoutSeconds?: number;
  /** Default the address of the environment, such as `https://clients.voicemeup.com`. */
  readonly baseUrl?: string;
  /** Default 10. */
  readonly timeoutSeconds?: number;
}

const NAMES: OptionNames<VoiceMeUpConfig> = {
  username: true,
  authToken: true,
  fromNumber: true,
  environment: true,
  webhookSecret: true,
  mmsTimeoutSeconds: true,
  ...HTTP_OPTION_NAMES,
};

/** The same, checked. */
export interface VoiceMeUpAccount {
  readonly username: string;
  readonly authToken: Secret;
  readonly fromNumber: string;
  readonly webhookSecret: Secret | undefined;
  readonly mmsTimeoutMs: number;
  readonly baseUrl: string;
  readonly timeoutSeconds: number;
}

export function voiceMeUpAccount(feature: string, config: VoiceMeUpConfig): VoiceMeUpAccount {
  checkOptionNames(`new ${feature}`, config, NAMES);
  const { environment = 'production', mmsTimeoutSeconds = 5 } = config;
  if (environment !== 'production' && environment !== 'sandbox')
    throw new ValidationError(`The environment of ${feature} is '${String(environment)}'. Give 'production' or 'sandbox'.`);
  if (!(mmsTimeoutSeconds > 0))
    throw new ValidationError(`The mmsTimeoutSeconds of ${feature} is ${String(mmsTimeoutSeconds)}. Give a number above 0.`);
  const webhookSecret = optionalSecret(feature, 'webhookSecret', config.webhookSecret, 'VOICEMEUP_WEBHOOK_SECRET');
  if (webhookSecret !== undefined && !/^[A-Za-z0-9_-]{16,}$/.test(webhookSecret.reveal()))
    throw new ValidationError(`The webhookSecret of ${feature} can be guessed or stands in no address. Give 16 or more letters, digits, - and _.`);
  return {
    username: requiredText(feature, 'username', config.username ?? process.env['VOICEMEUP_USERNAME'], 'api'),
    authToken: requiredSecret(feature, 'authToken', config.authToken, 'VOICEMEUP_AUTH_TOKEN'),
    fromNumber: requiredText(feature, 'fromNumber', config.fromNumber, '+15550100'),
    webhookSecret,
    mmsTimeoutMs: mmsTimeoutSeconds * 1000,
    baseUrl: baseUrlOf(feature, config.baseUrl, environment === 'production' ? 'https://clients.voicemeup.com' : 'https://dev-clients.voicemeup.com'),
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, 10),
  };
}
