/** How fast Telegram lets a bot write. @see https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this */
import { TelegramRefusal } from './refusal.js';

/** How many messages in which time. */
export interface TelegramLimits {
  /** To all chats together. Default 30. */
  readonly perSecond?: number;
  /** To one chat. Default 1. */
  readonly perSecondInChat?: number;
  /** To one group. Default 20. */
  readonly perMinuteInGroup?: number;
}

export class Pace {
  readonly #sent: { readonly at: number; readonly chatId: number }[] = [];

  constructor(private readonly limits: TelegramLimits) {}

  /** Throws when it is too soon. */
  take(chatId: number): void {
    const now = Date.now();
    while (this.#sent[0] !== undefined && this.#sent[0].at <= now - 60_000) this.#sent.shift();
    const { perSecond = 30, perSecondInChat = 1, perMinuteInGroup = 20 } = this.limits;
    const lastSecond = this.#sent.filter(({ at }) => at > now - 1000);
    const own = this.#sent.filter((sent) => sent.chatId === chatId);
    if (chatId < 0 && own.length >= perMinuteInGroup) throw tooMany(Math.ceil(((own[0]?.at ?? now) + 60_000 - now) / 1000));
    if (lastSecond.length >= perSecond || lastSecond.filter((sent) => sent.chatId === chatId).length >= perSecondInChat) throw tooMany(1);
    this.#sent.push({ at: now, chatId });
  }
}

export function tooMany(seconds: number): TelegramRefusal {
  return new TelegramRefusal(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
}
