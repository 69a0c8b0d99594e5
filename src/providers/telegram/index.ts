/**
 * `roomkit/telegram`: messages of a Telegram bot, by webhook or by asking.
 * @module roomkit/telegram
 */
export type { TelegramConfig } from './config.js';
export { TelegramBotProvider } from './bot.js';
export { parseTelegramUpdate, type TelegramUpdateOptions } from './updates.js';
export { TelegramPollingSource, type TelegramPollingOptions } from './polling.js';
