/** What Messenger's provider is made with. */
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { GRAPH_URL, GRAPH_VERSION, type GraphAccess } from '../_shared/graph/client.js';
import { baseUrlOf, HTTP_OPTION_NAMES, optionalSecret, requiredSecret, timeoutOf, type HttpProviderOptions } from '../_shared/http/options.js';

/** Configuration of {@link FacebookMessengerProvider}. */
export interface MessengerConfig extends HttpProviderOptions {
  /** Of the page, with `pages_messaging`. Default: the environment variable `MESSENGER_PAGE_ACCESS_TOKEN`. */
  readonly pageAccessToken?: string | Secret;
  /** Signs webhooks, and proves calls. Default: the environment variable `MESSENGER_APP_SECRET`. */
  readonly appSecret?: string | Secret;
  /** What you type beside the webhook's address in Meta's console. Default: the environment variable `MESSENGER_VERIFY_TOKEN`. */
  readonly verifyToken?: string | Secret;
  /** Default `v26.0`. */
  readonly apiVersion?: string;
  /** A tag for every message, such as `HUMAN_AGENT`; an event's `metadata.message_tag` goes before it. Default none: an answer within 24 hours. */
  readonly messageTag?: string;
  /** Default `https://graph.facebook.com`. */
  readonly baseUrl?: string;
  /** Default 30. */
  readonly timeoutSeconds?: number;
}

const NAMES: OptionNames<MessengerConfig> = {
  pageAccessToken: true,
  appSecret: true,
  verifyToken: true,
  apiVersion: true,
  messageTag: true,
  ...HTTP_OPTION_NAMES,
};

/** The same, checked. */
export interface MessengerPage extends GraphAccess {
  readonly verifyToken: Secret | undefined;
  readonly messageTag: string | undefined;
  readonly timeoutSeconds: number;
}

export function messengerPage(feature: string, config: MessengerConfig): MessengerPage {
  checkOptionNames(`new ${feature}`, config, NAMES);
  const { apiVersion = GRAPH_VERSION, messageTag } = config;
  if (!/^v\d{1,3}\.\d$/.test(apiVersion))
    throw new ValidationError(`The apiVersion of ${feature} is '${apiVersion}'. Give one such as '${GRAPH_VERSION}'.`);
  if (messageTag !== undefined && !isTag(messageTag))
    throw new ValidationError(`The messageTag of ${feature} is '${String(messageTag)}'. Give one of Meta's, such as 'HUMAN_AGENT'.`);
  return {
    accessToken: requiredSecret(feature, 'pageAccessToken', config.pageAccessToken, 'MESSENGER_PAGE_ACCESS_TOKEN'),
    appSecret: optionalSecret(feature, 'appSecret', config.appSecret, 'MESSENGER_APP_SECRET'),
    verifyToken: optionalSecret(feature, 'verifyToken', config.verifyToken, 'MESSENGER_VERIFY_TOKEN'),
    apiVersion,
    messageTag,
    baseUrl: baseUrlOf(feature, config.baseUrl, GRAPH_URL),
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, 30),
  };
}

/** Whether this may be a tag: which ones there are is Meta's to say. */
export function isTag(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Z][A-Z_]{2,60}$/.test(value);
}
