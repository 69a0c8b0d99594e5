/** What the provider of WhatsApp's Cloud API is made with. */
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { GRAPH_URL, GRAPH_VERSION, type GraphAccess } from '../_shared/graph/client.js';
import {
  baseUrlOf,
  HTTP_OPTION_NAMES,
  optionalSecret,
  requiredSecret,
  requiredText,
  timeoutOf,
  type HttpProviderOptions,
} from '../_shared/http/options.js';

/** What becomes of a message when the person has not written for 24 hours. */
export type WindowPolicy = 'fail' | 'park' | 'template';

/** The template that goes out in place of a message outside the window. */
export interface WindowTemplate {
  /** Its name in WhatsApp Manager. */
  readonly templateId: string;
  /** Default `en`. */
  readonly language?: string;
  /** As in template content; `{text}` stands for the words of the message, on one line. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** Configuration of {@link WhatsAppCloudProvider}. */
export interface WhatsAppConfig extends HttpProviderOptions {
  /** Of a system user with `whatsapp_business_messaging`. Default: the environment variable `WHATSAPP_ACCESS_TOKEN`. */
  readonly accessToken?: string | Secret;
  /** The id of the number, not the number. Default: the environment variable `WHATSAPP_PHONE_NUMBER_ID`. */
  readonly phoneNumberId?: string;
  /** Signs webhooks, and proves calls. Default: the environment variable `WHATSAPP_APP_SECRET`. */
  readonly appSecret?: string | Secret;
  /** What you type beside the webhook's address in Meta's console. Default: the environment variable `WHATSAPP_VERIFY_TOKEN`. */
  readonly verifyToken?: string | Secret;
  /** Default `v26.0`. */
  readonly apiVersion?: string;
  /** Outside the 24-hour window: `fail` (default), `park` until the person writes again, or send `windowTemplate`. */
  readonly windowPolicy?: WindowPolicy;
  /** With `windowPolicy: 'template'`. */
  readonly windowTemplate?: WindowTemplate;
  /** How long a parked message waits at most. Default 604800, a week. */
  readonly parkSeconds?: number;
  /** What stands on the button that opens a list; at most 20 characters. Default `Choose`. */
  readonly listButton?: string;
  /** Default `https://graph.facebook.com`. */
  readonly baseUrl?: string;
  /** Default 10. */
  readonly timeoutSeconds?: number;
}

const NAMES: OptionNames<WhatsAppConfig> = {
  accessToken: true,
  phoneNumberId: true,
  appSecret: true,
  verifyToken: true,
  apiVersion: true,
  windowPolicy: true,
  windowTemplate: true,
  parkSeconds: true,
  listButton: true,
  ...HTTP_OPTION_NAMES,
};

/** The same, checked. */
export interface WhatsAppAccount extends GraphAccess {
  readonly phoneNumberId: string;
  readonly verifyToken: Secret | undefined;
  readonly windowPolicy: WindowPolicy;
  readonly windowTemplate: WindowTemplate | undefined;
  readonly parkSeconds: number;
  readonly listButton: string;
  readonly timeoutSeconds: number;
}

const POLICIES: readonly string[] = ['fail', 'park', 'template'];
const WEEK_SECONDS = 604_800;

export function whatsAppAccount(feature: string, config: WhatsAppConfig): WhatsAppAccount {
  checkOptionNames(`new ${feature}`, config, NAMES);
  const { windowPolicy = 'fail', windowTemplate, parkSeconds = WEEK_SECONDS, listButton = 'Choose', apiVersion = GRAPH_VERSION } = config;
  const phoneNumberId = requiredText(feature, 'phoneNumberId', config.phoneNumberId ?? process.env['WHATSAPP_PHONE_NUMBER_ID'], '106540352242922');
  if (!/^\d{5,20}$/.test(phoneNumberId))
    throw new ValidationError(
      `The phoneNumberId of ${feature} is '${phoneNumberId}'. Give the id that stands under the number in Meta's console: digits, no +.`,
    );
  if (!/^v\d{1,3}\.\d$/.test(apiVersion))
    throw new ValidationError(`The apiVersion of ${feature} is '${apiVersion}'. Give one such as '${GRAPH_VERSION}'.`);
  if (!POLICIES.includes(windowPolicy))
    throw new ValidationError(`The windowPolicy of ${feature} is '${windowPolicy}'. Give ${POLICIES.join(', ')}.`);
  if (windowPolicy === 'template' && windowTemplate === undefined)
    throw new ValidationError(`${feature} has windowPolicy 'template' and no windowTemplate. Pass { windowTemplate: { templateId: '…' } }.`);
  if (windowTemplate !== undefined && (typeof windowTemplate.templateId !== 'string' || windowTemplate.templateId === ''))
    throw new ValidationError(`The windowTemplate of ${feature} has no templateId. Give the template's name in WhatsApp Manager.`);
  if (typeof parkSeconds !== 'number' || !(parkSeconds > 0))
    throw new ValidationError(`The parkSeconds of ${feature} is ${String(parkSeconds)}. Give a number above 0.`);
  if (typeof listButton !== 'string' || listButton === '' || listButton.length > 20)
    throw new ValidationError(`The listButton of ${feature} has to be 1 to 20 characters long.`);
  return {
    accessToken: requiredSecret(feature, 'accessToken', config.accessToken, 'WHATSAPP_ACCESS_TOKEN'),
    phoneNumberId,
    appSecret: optionalSecret(feature, 'appSecret', config.appSecret, 'WHATSAPP_APP_SECRET'),
    verifyToken: optionalSecret(feature, 'verifyToken', config.verifyToken, 'WHATSAPP_VERIFY_TOKEN'),
    apiVersion,
    windowPolicy,
    windowTemplate,
    parkSeconds,
    listButton,
    baseUrl: baseUrlOf(feature, config.baseUrl, GRAPH_URL),
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, 10),
  };
}
