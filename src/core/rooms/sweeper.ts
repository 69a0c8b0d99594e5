/** Sweeps by itself: rooms by their timers often, and what is looked through whole, media and what has expired, at first and every hour. */
import type { Timer } from '../clock.js';
import { sweepMedia } from '../media/sweep.js';
import type { KitParts } from '../parts.js';
import { sweepRetention } from '../retention/sweep.js';
import { sweepRoomTimers } from './timers.js';

/** The media store and all rooms are looked through whole, so seldom; vendors keep what they offer for a day or two at least. */
const SLOW_SWEEP_MS = 3_600_000;
export const MEDIA_SINCE_SECONDS = 2 * 86_400;

export class Sweeper {
  #timer: Timer | undefined;
  #slowlySweptAt: number | undefined;

  constructor(
    private readonly parts: KitParts,
    private readonly deleteRoom: (roomId: string) => Promise<boolean>,
  ) {}

  get isSweeping(): boolean {
    return this.#timer !== undefined;
  }

  start(intervalSeconds: number): void {
    const { clock, tasks, logger, stopping, draining } = this.parts;
    this.stop();
    if (stopping.aborted) return;
    this.#timer = clock.setTimer(intervalSeconds * 1000, () => {
      void tasks.run(async () => {
        try {
          await sweepRoomTimers(this.parts);
          await this.#sweepSlowlyInTime();
        } catch (error) {
          if (!draining.aborted) logger.error('Sweeping the rooms failed and is tried again.', { error });
        }
        this.start(intervalSeconds);
      });
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  async #sweepSlowlyInTime(): Promise<void> {
    const now = this.parts.clock.monotonic();
    if (this.#slowlySweptAt !== undefined && now - this.#slowlySweptAt < SLOW_SWEEP_MS) return;
    this.#slowlySweptAt = now;
    if (this.parts.media !== undefined) await sweepMedia(this.parts, this.parts.media, MEDIA_SINCE_SECONDS);
    await sweepRetention(this.parts, this.deleteRoom, true);
  }
}
