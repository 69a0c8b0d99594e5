/** What an agent may know and use of its turn while it runs (§17). */
import { Cancellation, type AbortSource } from '../async/cancellation.js';
import type { OnEventOptions, Turn } from '../channel.js';
import { TimeoutError } from '../errors.js';
import type { RoomEvent } from '../models/event.js';
import { EMPTY_LIST, isPromise, type Awaitable } from '../models/json.js';
import type { KitParts } from '../parts.js';
import type { TurnWork } from './lane.js';

export class RunningTurn implements OnEventOptions, Turn {
  readonly triggerEvents: readonly RoomEvent[];
  /** Ends it when its time is up or the kit stops (TURN-02); costs next to nothing until something waits. */
  readonly #cancellation: Cancellation;

  constructor(
    private readonly parts: KitParts,
    private readonly work: TurnWork,
    trigger: RoomEvent,
  ) {
    this.triggerEvents = [trigger];
    const seconds = parts.limits.turnTimeoutSeconds;
    this.#cancellation = new Cancellation(parts.onStop, {
      deadlines: parts.deadlines,
      ms: seconds * 1000,
      reason: () => new TimeoutError(`The turn took longer than ${seconds} s.`),
    });
  }

  get turn(): Turn {
    return this;
  }
  get id(): string {
    return this.work.row.id;
  }
  get attempt(): number {
    return Math.max(1, this.work.row.attempts);
  }
  get startedTools(): readonly string[] {
    return this.work.row.startedTools ?? EMPTY_LIST;
  }
  get signal(): AbortSignal {
    return this.#cancellation.signal;
  }
  get onAbort(): AbortSource {
    return this.#cancellation.onAbort;
  }
  /** Whether it was cut short. */
  get aborted(): boolean {
    return this.#cancellation.reason !== undefined;
  }

  /** Waits for the agent, at most until the turn's time is up; a late answer is ignored (CON-08). */
  bounded<T, Result>(promise: Promise<T>, next: (value: T) => Awaitable<Result>): Promise<Result> {
    return this.#cancellation.guard(promise, next);
  }

  markToolStarted(idempotencyKey: string): Awaitable<void> {
    const startedTools = [...this.startedTools, idempotencyKey];
    this.work.row = { ...this.work.row, startedTools };
    const updated = this.parts.store.updateTurn(this.id, { startedTools });
    return isPromise(updated) ? updated.then(() => undefined) : undefined;
  }

  trace(step: Parameters<Turn['trace']>[0]): void {
    const record = this.parts.traces.find(this.work.trigger.id);
    if (record === undefined) return;
    const { id: turnId, channelId } = this.work.row;
    const { kind, name, ms, firstTokenMs, tokens, code } = step;
    const cost = kind === 'generation' && tokens !== undefined ? this.parts.prices?.costOf(name, tokens) : undefined;
    record.addTurnStep({ channelId, turnId, kind, name, ms, firstTokenMs, tokens, cost, code, endedAtMs: this.parts.clock.now() });
  }

  end(): void {
    this.#cancellation.release();
  }
}
