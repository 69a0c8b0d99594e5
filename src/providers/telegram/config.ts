/** What Telegram's provider is made with. */
import { createHmac } from 'node:crypto';
import { SystemClock, type Clock } from '../../core/clock.js';
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { Secret } from '../../core/telemetry/secret.js';
import { baseUrlOf, HTTP_OPTION_NAMES, optionalSecret, requiredSecret, timeoutOf, type HttpProviderOptions } from '../_shared/http/options.js';

/** Configuration of {@link TelegramBotProvider}. */
export interface TelegramConfig extends HttpProviderOptions {
  /** As `@BotFather` gave it: `123456:ABC…`. Default: the environment variable `TELEGRAM_BOT_TOKEN`. */
  readonly botToken?: string | Secret;
  /**
   * What Telegram sends with each call of the webhook: 1 to 256 of `A-Z a-z 0-9 _ -`. Default: the environment variable
   * `TELEGRAM_WEBHOOK_SECRET`, else one that is made of the token; `registerWebhook` tells it Telegram.
   */
  readonly webhookSecret?: string | Secret;
  /** The bot's name, without `@`: in groups, who writes it means the bot (`metadata.bot_mentioned`). */
  readonly username?: string;
  /** Read what is posted in channels, too. Default false. */
  readonly takesChannelPosts?: boolean;
  /** Read the markdown of plain text as well, as agents like to write it. Default false: text goes out as it stands. */
  readonly formatsText?: boolean;
  /** Show what links in a text lead to. Default true. */
  readonly linkPreviews?: boolean;
  /** Default `https://api.telegram.org`. For a Bot API server of your own, or the emulator. */
  readonly baseUrl?: string;
  /** Default 30. */
  readonly timeoutSeconds?: number;
  /** For tests. */
  readonly clock?: Clock;
}

const NAMES: OptionNames<TelegramConfig> = {
  botToken: true,
  webhookSecret: true,
  username: true,
  takesChannelPosts: true,
  formatsText: true,
  linkPreviews: true,
  clock: true,
  ...HTTP_OPTION_NAMES,
};

/** The same, checked. */
export interface TelegramBot {
  readonly token: Secret;
  /** The number before the colon of the token. */
  readonly id: number;
  readonly webhookSecret: Secret;
  readonly username: string | undefined;
  readonly takesChannelPosts: boolean;
  readonly formatsText: boolean;
  readonly linkPreviews: boolean;
  readonly baseUrl: string;
  readonly timeoutSeconds: number;
  readonly clock: Clock;
}

export function telegramBot(feature: string, config: TelegramConfig): TelegramBot {
  checkOptionNames(`new ${feature}`, config, NAMES);
  const token = requiredSecret(feature, 'botToken', config.botToken, 'TELEGRAM_BOT_TOKEN');
  const id = /^(\d{1,16}):[\w-]+$/.exec(token.reveal())?.[1];
  if (id === undefined)
    throw new ValidationError(`The botToken of ${feature} is no token. Give it as @BotFather wrote it: a number, a colon, and letters.`);
  return {
    token,
    id: Number(id),
    webhookSecret: secretOf(feature, config.webhookSecret, token),
    username: config.username?.replace(/^@/, ''),
    takesChannelPosts: config.takesChannelPosts ?? false,
    formatsText: config.formatsText ?? false,
    linkPreviews: config.linkPreviews ?? true,
    baseUrl: baseUrlOf(feature, config.baseUrl, 'https://api.telegram.org'),
    timeoutSeconds: timeoutOf(feature, config.timeoutSeconds, 30),
    clock: config.clock ?? new SystemClock(),
  };
}

/** Every process with the token makes the same one, and whoever learns it learns nothing of the token. */
function secretOf(feature: string, given: string | Secret | undefined, token: Secret): Secret {
  const secret = optionalSecret(feature, 'webhookSecret', given, 'TELEGRAM_WEBHOOK_SECRET');
  if (secret === undefined) return new Secret(createHmac('sha256', token.reveal()).update('roomkit webhook secret').digest('hex'));
  if (/^[\w-]{1,256}$/.test(secret.reveal())) return secret;
  throw new ValidationError(`The webhookSecret of ${feature} has letters that Telegram does not take. Use 1 to 256 of A-Z a-z 0-9 _ and -.`);
}
