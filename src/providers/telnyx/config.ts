/** What Telnyx' providers are made with. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { baseUrlOf, HTTP_OPTION_NAMES, requiredSecret, timeoutOf, type HttpProviderOptions } from '../_shared/http/options.js';

/** What both of Telnyx' providers are made with. */
export interface TelnyxAccountOptions extends HttpProviderOptions {
  /** `KEY…`. Default: the environment variable `TELNYX_API_KEY`. */
  readonly apiKey?: string | Secret;
  /**
   * With which Telnyx' calls are verified, from its portal under *Keys & Credentials*; without it the webhook is refused.
   * Default: the environment variable `TELNYX_PUBLIC_KEY`.
   */
  readonly publicKey?: string;
  /**
   * Where Telnyx reports what became of a message: the public address of the channel's webhook. Default: as set in the
   * messaging profile. With it a message whose answer was lost is recognised by its status, and not sent again.
   */
  readonly statusCallback?: string;
  /** How old a call to the webhook may be. Default 300. */
  readonly toleranceSeconds?: number;
  /** Default `https://api.telnyx.com`. */
  readonly baseUrl?: string;
  /** Default 10. */
  readonly timeoutSeconds?: number;
}

/** Configuration of {@link TelnyxSMSProvider}. */
export interface TelnyxConfig extends TelnyxAccountOptions {
  /** Whose number messages come from, in E.164; or a short code, or a name where the country allows it. */
  readonly fromNumber?: string;
  /** Whose pool the number is picked from when there is no `fromNumber`; needed beside a name in place of a number. */
  readonly messagingProfileId?: string;
}

/** Configuration of {@link TelnyxRCSProvider}. */
export interface TelnyxRCSConfig extends TelnyxAccountOptions {
  /** The RCS agent that speaks. */
  readonly agentId: string;
  /** The messaging profile that messages are sent under. */
  readonly messagingProfileId: string;
  /** Whose number sends the SMS or MMS where a phone has no RCS. Without it there is no such fallback. */
  readonly fromNumber?: string;
}

const SHARED = { apiKey: true, publicKey: true, statusCallback: true, toleranceSeconds: true, ...HTTP_OPTION_NAMES } as const;
const SMS_NAMES: OptionNames<TelnyxConfig> = { fromNumber: true, messagingProfileId: true, ...SHARED };
const RCS_NAMES: OptionNames<TelnyxRCSConfig> = { agentId: true, messagingProfileId: true, fromNumber: true, ...SHARED };

/** The same, checked. */
export interface TelnyxAccount {
  readonly apiKey: Secret;
  readonly publicKey: KeyObject | undefined;
  readonly toleranceSeconds: number;
  readonly statusCallback: string | undefined;
  readonly baseUrl: string;
  readonly timeoutSeconds: number;
}

export function telnyxAccount(feature: string, config: TelnyxConfig | TelnyxRCSConfig): TelnyxAccount {
  checkOptionNames(`new ${feature}`, config, 'agentId' in config ? RCS_NAMES : SMS_NAMES);
  const { statusCallback, toleranceSeconds = 300 } = config;
  if (statusCallback !== undefined && !URL.canParse(statusCallback))
    throw new ValidationError(`The statusCallback of ${feature} is no address. Give the public address of the channel's webhook.`);
  if (!(toleranceSeconds > 0)) throw new ValidationError(`The toleranceSeconds of ${feature} is ${String(toleranceSeconds)}. Give a number above 0.`);
  return {
    apiKey: requiredSecret(feature, 'apiKey', config.apiKey, 'TELNYX_API_KEY'),
    publicKey: keyOf(feature, config.publicKey ?? process.env['TELNYX_PUBLIC_KEY']),
    toleranceSeconds,
    statusCallback,
    baseUrl: baseUrlOf(feature, config.baseUrl, 'https://api.telnyx.com'),
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, 10),
  };
}

/** What stands before the 32 bytes of an Ed25519 key to make it one that Node reads (RFC 8410). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

function keyOf(feature: string, given: string | undefined): KeyObject | undefined {
  if (given === undefined || given.trim() === '') return undefined;
  const bytes = Buffer.from(given.trim(), 'base64');
  if (bytes.length !== 32)
    throw new ValidationError(`The publicKey of ${feature} is no Ed25519 key. Copy it from Telnyx' portal: 44 characters of base64.`);
  return createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: 'der', type: 'spki' });
}
