/** People who write by a vendor that calls a webhook: again until it hears that the message was taken, and sometimes twice. */
import type { InboundResult } from '../../core/models/delivery.js';
import type { SeededRandom } from './random.js';
import type { Running, World } from './world.js';

/** One message of somebody. */
export interface Written {
  readonly key: string;
  readonly roomId: string;
  readonly channelId: string;
  readonly senderId: string;
  readonly text: string;
  /** How often the vendor has called. */
  calls: number;
  /** The vendor was told that it is taken. */
  taken: boolean;
  /** Every answer the vendor got. */
  readonly results: InboundResult[];
}

/** How long a vendor waits for an answer. */
const PATIENCE_MS = 15_000;
const AGAIN_MS = [500, 10_000] as const;
/** How often a vendor calls twice although it need not. */
const TWICE = 0.15;

/** Everybody who writes in a run. */
export class People {
  readonly written: Written[] = [];
  /** Calls that have not been answered. */
  readonly #underWay = new Set<Running>();

  constructor(
    private readonly world: World,
    private readonly random: SeededRandom,
  ) {}

  /** Whether the vendor was told of each message that it is taken. */
  get allTaken(): boolean {
    return this.written.every(({ taken }) => taken);
  }

  /** Whether a process has yet to answer a call: nobody may wait for it any more, and it commits its message all the same. */
  get isCalling(): boolean {
    return [...this.#underWay].some(({ process }) => process.isAlive);
  }

  /** Somebody writes, after so many milliseconds. */
  write(message: { roomId: string; channelId: string; senderId: string; text: string }, afterMs: number): void {
    const written: Written = { ...message, key: `m${this.written.length + 1}`, calls: 0, taken: false, results: [] };
    this.written.push(written);
    this.world.stage.after(afterMs, () => this.#send(written));
    if (this.random.chance(TWICE)) this.world.stage.after(afterMs + this.random.between(0, 3000), () => this.#send(written));
  }

  #send(written: Written): void {
    const running = this.random.pick(this.world.running);
    written.calls++;
    const again = (): void => {
      if (!written.taken) this.world.stage.after(this.random.between(...AGAIN_MS), () => this.#send(written));
    };
    if (running === undefined) return again();
    let isOver = false;
    const over = (result: InboundResult | undefined): void => {
      if (isOver) return;
      isOver = true;
      if (result === undefined) return again();
      written.results.push(result);
      written.taken = true;
    };
    this.world.stage.after(PATIENCE_MS, () => over(undefined));
    const call = { ...running };
    this.#underWay.add(call);
    running.process.arrive(() => void this.#call(running, written, over).finally(() => this.#underWay.delete(call)));
  }

  #call({ kit, process }: Running, written: Written, over: (result: InboundResult | undefined) => void): Promise<void> {
    const { key, roomId, channelId, senderId, text } = written;
    return kit.processInbound({ channelId, senderId, content: { type: 'text', body: text }, idempotencyKey: key }, { roomId, wait: 'commit' }).then(
      // What is blocked for want of time is not taken: the vendor calls again.
      (result) => void (process.isAlive && over(result.reason === 'process_timeout' ? undefined : result)),
      () => void (process.isAlive && over(undefined)),
    );
  }
}
