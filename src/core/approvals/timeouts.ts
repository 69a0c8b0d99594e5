/** What is waited for has an end: one timer of the kit's, for the first approval that expires (APR-01, LTR-03). */
import { isoTime, type Timer } from '../clock.js';
import { RoomNotFoundError } from '../errors.js';
import type { KitParts } from '../parts.js';
import { loadHeld } from '../pipeline/commit.js';
import { withSection } from '../pipeline/section.js';
import { endTask, isLaterAnswer } from '../rooms/later-answers.js';
import { expireInSection } from './resolve.js';

const PAGE = 100;
const MOST_TASKS = 1000;
/** Where it fails, or others may have added something this kit does not know of. */
const AGAIN_MS = 30_000;
/** Timers of the machine end at 2^31 ms; nothing is lost by looking once a day. */
const MOST_MS = 86_400_000;

export class Timeouts {
  #timer: Timer | undefined;
  #dueAtMs = Infinity;
  #stopped = false;
  /** What a pass has ended. */
  #ended = 0;

  constructor(private readonly parts: KitParts) {}

  /** What an earlier process left has an end too. */
  start(): void {
    if (this.parts.store.persistent || this.parts.store.shared) this.#schedule(0);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Something ends then. */
  watch(at: string): void {
    const dueAtMs = Date.parse(at);
    if (dueAtMs < this.#dueAtMs) this.#schedule(dueAtMs - this.parts.clock.now());
  }

  #schedule(ms: number): void {
    // Whoever has switched recovery off looks by himself (OPS-06).
    if (this.#stopped || this.parts.limits.recoverIntervalSeconds === 0) return;
    this.#timer?.cancel();
    const wait = Math.min(Math.max(0, ms), MOST_MS);
    this.#dueAtMs = this.parts.clock.now() + wait;
    this.#timer = this.parts.clock.setTimer(wait, () => {
      this.#dueAtMs = Infinity;
      this.#timer = undefined;
      void this.parts.tasks.run(() => this.#sweep());
    });
  }

  /** Ends what is over now; tells how much that was. */
  async run(): Promise<number> {
    const before = this.#ended;
    const next = [await this.#expireApprovals(), await this.#expireTasks()].filter((at) => at !== undefined);
    for (const at of next) this.watch(at);
    return this.#ended - before;
  }

  async #sweep(): Promise<void> {
    const { parts } = this;
    try {
      const next = [await this.#expireApprovals(), await this.#expireTasks()].filter((at) => at !== undefined);
      for (const at of next) this.watch(at);
      if (next.length === 0 && parts.store.shared) this.watch(isoTime(parts.clock.now() + AGAIN_MS));
    } catch (error) {
      if (this.#stopped) return;
      parts.logger.error('What has expired could not be ended; it is tried again.', { error });
      this.watch(isoTime(parts.clock.now() + AGAIN_MS));
    }
  }

  /** Ends what is over; gives the time of the next. */
  async #expireApprovals(): Promise<string | undefined> {
    const { parts } = this;
    const { organizationId } = parts.options;
    for (;;) {
      const pending = await parts.store.listApprovals({ state: 'pending', limit: PAGE, ...(organizationId !== undefined && { organizationId }) });
      const now = isoTime(parts.clock.now());
      for (const { id, roomId, expiresAt } of pending) {
        if (expiresAt > now || this.#stopped) return expiresAt;
        await this.#expire(id, roomId);
      }
      if (pending.length < PAGE) return undefined;
    }
  }

  /** Tools that were to answer and have not: their agents are told, once (LTR-03). */
  async #expireTasks(): Promise<string | undefined> {
    const { parts } = this;
    const now = isoTime(parts.clock.now());
    for (const task of await parts.store.listDueTasks({ limit: MOST_TASKS })) {
      if (task.expiresAt === undefined || this.#stopped) continue;
      if (task.expiresAt > now) return task.expiresAt;
      if (!isLaterAnswer(task)) continue;
      try {
        await withSection(parts, task.roomId, async (section) => {
          const state = await loadHeld(parts, section);
          await endTask(parts, section, state, task.id, { status: 'failed', told: { error: 'No answer came in time.' } });
          this.#ended++;
        });
      } catch (error) {
        if (!(error instanceof RoomNotFoundError)) throw error; // another organization's
      }
    }
    return undefined;
  }

  async #expire(approvalId: string, roomId: string): Promise<void> {
    const { parts } = this;
    try {
      await withSection(parts, roomId, async (section) => {
        const state = await loadHeld(parts, section);
        const row = await parts.store.getApproval(approvalId);
        if (row?.state !== 'pending' || row.expiresAt > isoTime(parts.clock.now())) return;
        if ((await expireInSection(parts, section, state, row)) !== undefined) this.#ended++;
      });
    } catch (error) {
      if (!(error instanceof RoomNotFoundError)) throw error; // it goes with its room
    }
  }
}
