/** Customers who write over the vendor: its webhook is called until it is answered with 2xx, and often once more than needed. */
import { createHmac } from 'node:crypto';
import type { Random } from '../crash/random.js';
import { pause } from './fleet.js';
import type { Said } from './ledger.js';
import { customerOf } from './protocol.js';

export interface VendorLoadOptions {
  readonly secret: string;
  readonly random: Random;
  /** Where a call goes: another process each time. */
  readonly anyUrl: () => string;
  readonly now: () => number;
}

const PATIENCE_MS = 8000;
/** Until a call is made again, doubled each time in vain. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 3000;

export class VendorLoad {
  readonly counts = { calls: 0, refused: 0, unanswered: 0, repeated: 0 };
  readonly #beside = new Set<Promise<unknown>>();

  constructor(private readonly options: VendorLoadOptions) {}

  /** Resolves when it is accepted, or `stopped` says that nobody waits any more. */
  async say(said: Said, stopped: () => boolean): Promise<void> {
    const { random, now } = this.options;
    // Two calls at the same time, as from a vendor whose own machines do not agree.
    if (random.chance(0.05)) this.#again(said, 0);
    for (let waitMs = FIRST_WAIT_MS; !stopped(); waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      said.tries++;
      const status = await this.#call(said);
      if (status >= 200 && status < 300) {
        said.acceptedAt = now();
        // The vendor has not heard of it, and calls again.
        if (random.chance(0.1)) this.#again(said, random.between(0, 3000));
        return;
      }
      await pause(random.between(waitMs / 2, waitMs));
    }
  }

  async settled(): Promise<void> {
    while (this.#beside.size > 0) await Promise.all(this.#beside);
  }

  #again(said: Said, afterMs: number): void {
    this.counts.repeated++;
    const call = pause(afterMs)
      .then(() => this.#call(said))
      .finally(() => this.#beside.delete(call));
    this.#beside.add(call);
  }

  /** 0: no answer. */
  async #call({ key, roomId }: Said): Promise<number> {
    this.counts.calls++;
    const body = JSON.stringify({ sender_id: customerOf(roomId), external_id: key, body: key });
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = createHmac('sha256', this.options.secret).update(`${timestamp}.${body}`).digest('hex');
    try {
      const answer = await fetch(`${this.options.anyUrl()}/webhooks/crm`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-roomkit-timestamp': timestamp, 'x-roomkit-signature-v2': signature },
        body,
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      await answer.arrayBuffer();
      if (!answer.ok) this.counts.refused++;
      return answer.status;
    } catch {
      this.counts.unanswered++;
      return 0;
    }
  }
}
