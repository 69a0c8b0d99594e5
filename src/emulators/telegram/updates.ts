/** The queue of updates: they wait until the webhook has taken them, or until somebody has asked for what comes after them. */
import type { Fields } from '../problem.js';
import { TelegramRefusal } from './refusal.js';

export interface QueuedUpdate extends Fields {
  readonly update_id: number;
}

export class UpdateQueue {
  #updates: QueuedUpdate[] = [];
  #nextId: number;
  #poll: { readonly end: (error?: Error) => void } | undefined;

  constructor(firstId: number) {
    this.#nextId = firstId;
  }

  get size(): number {
    return this.#updates.length;
  }

  get all(): readonly QueuedUpdate[] {
    return this.#updates;
  }

  add(update: Fields): QueuedUpdate {
    const queued = { update_id: this.#nextId++, ...update };
    this.#updates.push(queued);
    this.#poll?.end();
    return queued;
  }

  remove(updateId: number): void {
    this.#updates = this.#updates.filter(({ update_id }) => update_id !== updateId);
  }

  clear(): void {
    this.#updates = [];
  }

  /** Another request for updates ends the one that waits. */
  interrupt(description: string): void {
    this.#poll?.end(new TelegramRefusal(409, description));
  }

  /** For `getUpdates`: everything before the offset is confirmed, and is never listed again. */
  async read(offset: number | undefined, limit: number, timeoutMs: number, gone: AbortSignal): Promise<readonly QueuedUpdate[]> {
    this.interrupt('Conflict: terminated by other getUpdates request; make sure that only one bot instance is running');
    if (offset !== undefined && offset < 0) this.#updates = this.#updates.slice(offset);
    else if (offset !== undefined && offset > 0) this.#updates = this.#updates.filter(({ update_id }) => update_id >= offset);
    if (this.#updates.length === 0 && timeoutMs > 0) await this.#wait(timeoutMs, gone);
    return this.#updates.slice(0, limit);
  }

  #wait(timeoutMs: number, gone: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error?: Error): void => {
        clearTimeout(timer);
        gone.removeEventListener('abort', onGone);
        if (this.#poll === poll) this.#poll = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      const onGone = (): void => end();
      const timer = setTimeout(end, timeoutMs);
      const poll = { end };
      this.#poll = poll;
      gone.addEventListener('abort', onGone, { once: true });
    });
  }
}
