/** Telegram shows for five seconds that somebody types: as long as it lasts, it is told again. */
import type { Clock, Timer } from '../../core/clock.js';

const EVERY_MS = 4000;
/** Whoever has not written by then is not shown typing any more, whatever is reported. */
const MOST = 8;

/** In which chats somebody types now. */
export class Typing {
  readonly #timers = new Map<string, Timer>();

  constructor(
    private readonly clock: Clock,
    /** Tells it once; never rejects. */
    private readonly tell: (chatId: string) => Promise<void>,
  ) {}

  async start(chatId: string): Promise<void> {
    this.stop(chatId);
    this.#again(chatId, MOST);
    await this.tell(chatId);
  }

  stop(chatId: string): void {
    this.#timers.get(chatId)?.cancel();
    this.#timers.delete(chatId);
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #again(chatId: string, left: number): void {
    this.#timers.set(
      chatId,
      this.clock.setTimer(EVERY_MS, () => {
        if (left <= 1) this.#timers.delete(chatId);
        else this.#again(chatId, left - 1);
        void this.tell(chatId);
      }),
    );
  }
}
