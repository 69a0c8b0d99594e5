/** What an agent may know and use of its turn while it runs (§17), and how others reach into it. */
import { insist, insistFirst } from '../async/insist.js';
import { Cancellation, type AbortSource } from '../async/cancellation.js';
import { isoTime } from '../clock.js';
import type { KeptByAgent, OnEventOptions, TakenMessages, Turn } from '../channel.js';
import { withoutStamps } from '../delivery/forms.js';
import { canSeeEvent } from '../delivery/visibility.js';
import { TimeoutError } from '../errors.js';
import type { ResumedTurn } from '../models/approval.js';
import type { ChannelOutput } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import { EMPTY, EMPTY_LIST, isPromise, type Awaitable } from '../models/json.js';
import type { UsageRecord } from '../models/usage.js';
import type { KitParts } from '../parts.js';
import { loadState } from '../pipeline/commit.js';
import { bindingOf, type RoomState } from '../store/store.js';
import type { TraceRecord } from '../telemetry/decision-trace.js';
import { budgetRefusal, type Budgets } from '../usage/budget.js';
import { NO_USAGE } from '../usage/sums.js';
import type { TurnLane } from './lane.js';
import { Interruption } from './outcome.js';
import type { TurnWork } from './turn-work.js';

/** So long the agent's next turn waits for what does not heed the end of this one (COL-04). */
const MOST_WAIT_MS = 2000;

export class RunningTurn implements OnEventOptions, Turn {
  triggerEvents: readonly RoomEvent[];
  /** Its answer is there, and only has to be stored: nothing cuts it short any more. */
  isComplete = false;
  /** Messages on their way into it: until they are stored as part of it, it has not ended. */
  joining: Promise<unknown> | undefined = undefined;
  /** What it has generated so far; kept with its end (USG-01). */
  records: UsageRecord[] | undefined = undefined;
  #asked: Promise<ChannelOutput | void> | undefined = undefined;
  #record: TraceRecord | undefined = undefined;
  /** Tools that may still be at work. */
  #mayOutlast: Promise<unknown>[] | undefined = undefined;
  /** How long is still waited once it was interrupted. */
  #grace: Cancellation | undefined = undefined;
  /** Ends it when its time is up or the kit stops (TURN-02); costs next to nothing until something waits. */
  readonly #cancellation: Cancellation;

  constructor(
    private readonly parts: KitParts,
    private readonly lane: TurnLane,
    private readonly work: TurnWork,
    trigger: RoomEvent,
  ) {
    this.triggerEvents = work.triggers === undefined ? [trigger] : work.triggers.map(withoutStamps);
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
  get kept(): KeptByAgent {
    return this.lane.kept;
  }
  get startedTools(): readonly string[] {
    return this.work.row.startedTools ?? EMPTY_LIST;
  }
  get resumed(): ResumedTurn | undefined {
    const { suspended } = this.work.row;
    return suspended === undefined ? undefined : { loop: suspended.loop, approvals: this.work.approvals ?? EMPTY_LIST };
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
  answer<Result>(asked: Promise<ChannelOutput | void>, next: (output: ChannelOutput | void) => Awaitable<Result>): Promise<Result> {
    this.#asked = asked;
    return this.bounded(asked, next);
  }

  /** The same for a part of the answer. */
  bounded<T, Result>(promise: Promise<T>, next: (value: T) => Awaitable<Result>): Promise<Result> {
    return this.#cancellation.guard(promise, next);
  }

  markToolStarted(idempotencyKey: string): Awaitable<void> {
    const startedTools = [...this.startedTools, idempotencyKey];
    this.work.row = { ...this.work.row, startedTools };
    const updated = insistFirst(this.parts, { turnId: this.id }, () => this.parts.store.updateTurn(this.id, { startedTools }));
    return isPromise(updated) ? updated.then(() => undefined) : undefined;
  }

  /** COL-03: what waits for this agent and may be answered now; at once when that is nothing. */
  takeMessages(): Awaitable<TakenMessages | undefined> {
    if (!this.lane.hasSteering || this.aborted || this.isComplete) return undefined;
    const loading = insistFirst(this.parts, { turnId: this.id }, () => loadState(this.parts, this.work.row.roomId));
    return isPromise(loading) ? loading.then((state) => this.#takeFrom(state)) : this.#takeFrom(loading);
  }

  #takeFrom(state: RoomState): Promise<TakenMessages> | undefined {
    const binding = bindingOf(state, this.work.row.channelId);
    if (binding === undefined || this.aborted || this.isComplete) return undefined;
    const joining = this.lane.takeIn(this.parts, this.work, ({ trigger }) => canSeeEvent(trigger, binding));
    if (joining === undefined) return undefined;
    this.joining = this.joining === undefined ? joining : Promise.all([this.joining, joining]);
    return joining.then(async (joined) => {
      const { roomId } = this.work.row;
      const events: RoomEvent[] = [];
      for (const { trigger } of joined) {
        // As it is now: edited, it has its new words; deleted, it is no longer there (EDT-04).
        const event = await insist(this.parts, { turnId: this.id }, () => this.parts.store.getEvent(roomId, trigger.id));
        if (event !== null && canSeeEvent(event, binding)) events.push(withoutStamps(event));
      }
      this.triggerEvents = [...this.triggerEvents, ...events];
      return { events, participants: state.participants };
    });
  }

  /** Somebody who cannot wait has more to say (COL-04). */
  interrupt(): void {
    if (this.isComplete || this.aborted) return;
    this.#grace = new Cancellation(this.parts.onStop, {
      deadlines: this.parts.deadlines,
      ms: MOST_WAIT_MS,
      reason: () => new TimeoutError('What was cut off does not end.'),
    });
    this.#cancellation.abort(new Interruption('A newer message interrupted the turn.'));
  }

  mayOutlast(work: Promise<unknown>): void {
    (this.#mayOutlast ??= []).push(work);
  }

  /** Whether a newer message has cut it short, and something of it may still be at work. */
  get mayLinger(): boolean {
    return this.#grace !== undefined;
  }

  /** What the agent still has to say of an answer that was cut short: what it cost, not its words. */
  async lastWords(): Promise<ChannelOutput | void> {
    if (this.#asked === undefined) return undefined;
    return this.#grace?.guard(this.#asked).catch(() => undefined);
  }

  /** What was cut off gets a moment to end by itself; then it goes on alone, and nobody listens any more. */
  async linger(): Promise<void> {
    if (this.#mayOutlast !== undefined) await this.#grace?.guard(Promise.allSettled(this.#mayOutlast)).catch(() => undefined);
    this.#grace?.release();
  }

  /** The trace of what it answers, while that is kept. */
  get record(): TraceRecord | undefined {
    const { id } = this.work.trigger;
    if (this.#record?.eventId !== id) this.#record = this.parts.traces.find(id);
    return this.#record;
  }

  trace(step: Parameters<Turn['trace']>[0]): void {
    const { kind, name, tokens, code } = step;
    const isGeneration = kind === 'generation';
    const cost = isGeneration && tokens !== undefined ? this.parts.prices?.costOf(name, tokens) : undefined;
    // What failed and reported nothing cost nothing that anybody knows of.
    if (isGeneration && (tokens !== undefined || code === undefined)) this.#use(step, cost);
    const { id: turnId, channelId } = this.work.row;
    this.record?.addTurnStep({ channelId, turnId, endedAtMs: this.parts.clock.now(), cost, reported: step });
  }

  #use({ provider, name: model, ms, tokens = EMPTY }: Parameters<Turn['trace']>[0], cost: number | undefined): void {
    const { id: turnId, roomId, channelId: agentId } = this.work.row;
    const by = provider ?? this.work.target.channel?.providerName ?? 'unknown';
    const record: { -readonly [Field in keyof UsageRecord]: UsageRecord[Field] } = {
      roomId,
      turnId,
      agentId,
      provider: by,
      model,
      tokens,
      ms,
      at: isoTime(this.parts.clock.now()),
    };
    if (cost !== undefined) record.cost = cost;
    if (this.records === undefined) this.records = [record];
    else this.records.push(record);
  }

  budgetRefusal(budgets: Budgets, model: string): Awaitable<string | undefined> {
    const { roomId, channelId: agentId, suspended, usage = EMPTY } = this.work.row;
    const before = suspended === undefined ? NO_USAGE : { ...NO_USAGE, tokens: usage, ...(suspended.cost !== undefined && { cost: suspended.cost }) };
    return budgetRefusal({ parts: this.parts, roomId, agentId, model, own: this.records ?? EMPTY_LIST, before }, budgets);
  }

  end(): void {
    this.isComplete = true;
    this.#cancellation.release();
  }
}
