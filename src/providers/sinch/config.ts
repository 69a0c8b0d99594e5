/** What Sinch's provider is made with. */
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

/** Where the service plan lives. */
export type SinchRegion = 'us' | 'eu' | 'au' | 'br' | 'ca';

/**
 * How Sinch signs its calls: `hmac_sha256` over body, nonce and time (`x-sinch-webhook-signature`), or `hmac_sha1` over the
 * body alone (`x-sinch-signature`).
 */
export type SinchSignatureScheme = 'hmac_sha256' | 'hmac_sha1';

/** Configuration of {@link SinchSMSProvider}. */
export interface SinchConfig extends HttpProviderOptions {
  /** Default: the environment variable `SINCH_SERVICE_PLAN_ID`. */
  readonly servicePlanId?: string;
  /** Default: the environment variable `SINCH_API_TOKEN`. */
  readonly apiToken?: string | Secret;
  /** Whose number messages come from; a short code, or a name where the country allows it. */
  readonly fromNumber: string;
  /** Default `us`. */
  readonly region?: SinchRegion;
  /**
   * With which Sinch signs its calls, once its support has switched that on for the plan; without it the webhook is refused.
   * Default: the environment variable `SINCH_WEBHOOK_SECRET`.
   */
  readonly webhookSecret?: string | Secret;
  /** Default `hmac_sha256`. */
  readonly signatureScheme?: SinchSignatureScheme;
  /** How old a call may be, with `hmac_sha256`. Default 300. */
  readonly toleranceSeconds?: number;
  /** Where Sinch reports what became of a message: the public address of the channel's webhook. Default: as set for the plan. */
  readonly statusCallback?: string;
  /** Default the address of the region, such as `https://us.sms.api.sinch.com`. */
  readonly baseUrl?: string;
  /** Default 10. */
  readonly timeoutSeconds?: number;
}

const NAMES: OptionNames<SinchConfig> = {
  servicePlanId: true,
  apiToken: true,
  fromNumber: true,
  region: true,
  webhookSecret: true,
  signatureScheme: true,
  toleranceSeconds: true,
  statusCallback: true,
  ...HTTP_OPTION_NAMES,
};

/** The same, checked. */
export interface SinchPlan {
  readonly batchesUrl: string;
  readonly apiToken: Secret;
  readonly fromNumber: string;
  readonly webhookSecret: Secret | undefined;
  readonly signatureScheme: SinchSignatureScheme;
  readonly toleranceSeconds: number;
  readonly statusCallback: string | undefined;
  readonly timeoutSeconds: number;
}

const REGIONS: readonly SinchRegion[] = ['us', 'eu', 'au', 'br', 'ca'];
const SCHEMES: readonly SinchSignatureScheme[] = ['hmac_sha256', 'hmac_sha1'];

export function sinchPlan(feature: string, config: SinchConfig): SinchPlan {
  checkOptionNames(`new ${feature}`, config, NAMES);
  const { region = 'us', signatureScheme = 'hmac_sha256', toleranceSeconds = 300, statusCallback } = config;
  if (!REGIONS.includes(region)) throw new ValidationError(`The region of ${feature} is '${String(region)}'. Give one of ${REGIONS.join(', ')}.`);
  if (!SCHEMES.includes(signatureScheme))
    throw new ValidationError(`The signatureScheme of ${feature} is '${String(signatureScheme)}'. Give one of ${SCHEMES.join(', ')}.`);
  if (!(toleranceSeconds > 0)) throw new ValidationError(`The toleranceSeconds of ${feature} is ${String(toleranceSeconds)}. Give a number above 0.`);
  if (statusCallback !== undefined && !URL.canParse(statusCallback))
    throw new ValidationError(`The statusCallback of ${feature} is no address. Give the public address of the channel's webhook.`);
  const planId = requiredText(feature, 'servicePlanId', config.servicePlanId ?? process.env['SINCH_SERVICE_PLAN_ID'], '…');
  const baseUrl = baseUrlOf(feature, config.baseUrl, `https://${region}.sms.api.sinch.com`);
  return {
    batchesUrl: `${baseUrl}/xms/v1/${encodeURIComponent(planId)}/batches`,
    apiToken: requiredSecret(feature, 'apiToken', config.apiToken, 'SINCH_API_TOKEN'),
    fromNumber: requiredText(feature, 'fromNumber', config.fromNumber, '+15550100'),
    webhookSecret: optionalSecret(feature, 'webhookSecret', config.webhookSecret, 'SINCH_WEBHOOK_SECRET'),
    signatureScheme,
    toleranceSeconds,
    statusCallback,
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, 10),
  };
}
