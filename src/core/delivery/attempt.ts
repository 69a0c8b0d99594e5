/** One attempt of a durable delivery: what the channel may know and use of it, and its time. */
import type { DeliverOptions } from '../channel.js';
import { abortReason } from '../clock.js';
import { TimeoutError } from '../errors.js';
import type { OutboxRow } from '../models/delivery.js';
import { EMPTY_LIST } from '../models/json.js';
import type { KitParts } from '../parts.js';

export class Attempt implements DeliverOptions {
  #controller: AbortController | undefined;
  #over: Error | undefined;

  constructor(
    private readonly kit: KitParts,
    private readonly row: OutboxRow,
    readonly parts: readonly string[] | undefined,
    private readonly markParts: (count: number, providerMessageId: string | undefined) => Promise<unknown>,
  ) {}

  get idempotencyKey(): string {
    return this.row.idempotencyKey;
  }
  get attempt(): number {
    return this.row.attempts;
  }
  get previousError(): string | undefined {
    return this.row.lastError?.code;
  }
  get partsSent(): number {
    return this.row.partsSent ?? 0;
  }
  get partMessageIds(): readonly string[] {
    return this.row.partMessageIds ?? EMPTY_LIST;
  }
  get signal(): AbortSignal {
    const controller = (this.#controller ??= new AbortController());
    if (this.#over !== undefined) controller.abort(this.#over);
    return controller.signal;
  }

  /** Rejects once the attempt was given up: another one goes on from this part. */
  async markPartsSent(count: number, providerMessageId?: string): Promise<void> {
    await this.markParts(count, providerMessageId);
    this.checkTime();
  }

  /** Throws once the attempt was given up. */
  checkTime(): void {
    if (this.#over !== undefined) throw this.#over;
  }

  /** Waits at most deliveryTimeoutSeconds; what is answered later is ignored (CON-08). */
  bounded<T>(receipt: Promise<T>): Promise<T> {
    const { deadlines, limits, stopping } = this.kit;
    return new Promise((resolve, reject) => {
      const giveUp = (error: Error): void => {
        this.#over = error;
        this.#controller?.abort(error);
        reject(error);
      };
      const deadline = deadlines.add(limits.deliveryTimeoutSeconds * 1000, () =>
        giveUp(new TimeoutError(`Channel '${this.row.channelId}' did not take the event within ${limits.deliveryTimeoutSeconds} s.`)),
      );
      const onStop = (): void => giveUp(abortReason(stopping));
      stopping.addEventListener('abort', onStop, { once: true });
      const settled = (): void => {
        deadline.cancel();
        stopping.removeEventListener('abort', onStop);
      };
      receipt.then(
        (value) => {
          settled();
          resolve(value);
        },
        (error: unknown) => {
          settled();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}
