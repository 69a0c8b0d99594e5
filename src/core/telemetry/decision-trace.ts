/** The decision trace (TEL-07): what each step decided and how long it took, for the newest events, without content. */
import { isoTime } from '../clock.js';
import type { DeliveryResult } from '../models/delivery.js';
import { EMPTY_LIST } from '../models/json.js';
import type {
  DecisionTrace,
  DeliveryAttemptTrace,
  HookVerdictTrace,
  PromptTrace,
  TargetTrace,
  TurnDecisionTrace,
  TurnEndTrace,
  TurnStepTrace,
} from '../models/trace.js';

/** What is known when an event was committed; shared references, put into words only when somebody asks. */
export interface TraceFields {
  readonly eventId: string;
  readonly roomId: string;
  readonly startedAtMs: number;
  readonly lockWaitMs: number;
  readonly commitMs: number;
  readonly hooks: { format(): readonly HookVerdictTrace[] } | undefined;
  readonly targets: readonly TargetTrace[] | undefined;
  /** The agents that were solicited, when not all were. */
  readonly solicited: readonly string[] | undefined;
  /** Who knows of the deliveries while they are under way. */
  readonly broadcast: { deliveryTimes(): DeliveryTimes } | undefined;
}

/** How deliveries went, in the order they settled. */
export interface DeliveryTimes {
  readonly startedAtMs: number;
  readonly results: readonly DeliveryResult[];
  /** After how many milliseconds each settled; one number when it was the same for all. */
  readonly ms: number | readonly number[];
}

/** A step as it is noted: when it ended, and how long it took. */
export interface TurnStep {
  readonly channelId: string;
  readonly turnId: string;
  readonly kind: TurnStepTrace['kind'];
  readonly name: string;
  readonly endedAtMs: number;
  readonly ms: number;
  readonly firstTokenMs: number | undefined;
  readonly tokens: TurnStepTrace['tokens'];
  readonly cost: number | undefined;
  readonly code: string | undefined;
  readonly recovery: TurnStepTrace['recovery'];
  readonly prompt: { format(): PromptTrace } | undefined;
}

/** How a turn ended, as it is noted. */
export interface TurnEnd {
  readonly channelId: string;
  readonly turnId: string;
  readonly outcome: Omit<TurnEndTrace, 'channelId' | 'turnId' | 'at' | 'code'> & { readonly error?: { readonly code: string } | undefined };
  readonly atMs: number;
}

/** More of one event tell nothing new. */
const MAX_STEPS = 500;

const NO_DELIVERIES: DeliveryTimes = { startedAtMs: 0, results: EMPTY_LIST, ms: 0 };

/** The place of one event among the newest. It is written over again and again: traces are many, and hardly ever read. */
export class TraceRecord {
  eventId = '';
  private roomId = '';
  private startedAtMs = 0;
  private lockWaitMs = 0;
  private commitMs = 0;
  private hooks: TraceFields['hooks'] = undefined;
  private targets: readonly TargetTrace[] | undefined = undefined;
  private solicited: readonly string[] | undefined = undefined;
  private broadcast: TraceFields['broadcast'] = undefined;
  private deliveriesFrom = 0;
  private results: readonly DeliveryResult[] = EMPTY_LIST;
  private settledMs: number | readonly number[] = 0;
  private turnSteps: TurnStep[] | undefined = undefined;
  private turnDecisions: TurnDecisionTrace[] | undefined = undefined;
  /** The first turn's end is kept without a place of its own: most events have one turn. */
  private endedAtMs = 0;
  private endedTurnId = '';
  private endedBy = '';
  private ended: TurnEnd['outcome'] | undefined = undefined;
  private otherEnds: TurnEnd[] | undefined = undefined;
  /** Of deliveries that took more than one attempt, or failed. */
  private attempts: DeliveryAttemptTrace[] | undefined = undefined;

  begin(trace: TraceFields): void {
    this.eventId = trace.eventId;
    this.roomId = trace.roomId;
    this.startedAtMs = trace.startedAtMs;
    this.lockWaitMs = trace.lockWaitMs;
    this.commitMs = trace.commitMs;
    this.hooks = trace.hooks;
    this.targets = trace.targets;
    this.solicited = trace.solicited;
    this.broadcast = trace.broadcast;
    this.settle(NO_DELIVERIES);
    this.turnSteps = undefined;
    this.turnDecisions = undefined;
    this.ended = undefined;
    this.otherEnds = undefined;
    this.attempts = undefined;
  }

  /** All deliveries of the event are known: what they came to is kept, and not what made them. */
  settled(eventId: string, deliveries: DeliveryTimes): void {
    if (this.eventId !== eventId) return; // the place belongs to a newer event by now
    this.broadcast = undefined;
    this.settle(deliveries);
  }

  addTurnStep(step: TurnStep): void {
    // A list that begins with an element has room for one; an empty one that grows takes room for seventeen.
    if (this.turnSteps === undefined) this.turnSteps = [step];
    else if (this.turnSteps.length < MAX_STEPS) this.turnSteps.push(step);
  }

  addTurnEnd(channelId: string, turnId: string, outcome: TurnEnd['outcome'], atMs: number): void {
    if (this.ended === undefined) {
      this.endedBy = channelId;
      this.endedTurnId = turnId;
      this.ended = outcome;
      this.endedAtMs = atMs;
    } else {
      const others = (this.otherEnds ??= []);
      if (others.length < MAX_STEPS) others.push({ channelId, turnId, outcome, atMs });
    }
  }

  addTurnDecision(decision: Omit<TurnDecisionTrace, 'at'>, atMs: number): void {
    const decisions = (this.turnDecisions ??= []);
    if (decisions.length < MAX_STEPS) decisions.push({ ...decision, at: isoTime(atMs) });
  }

  addAttempt(attempt: DeliveryAttemptTrace): void {
    const attempts = (this.attempts ??= []);
    if (attempts.length < MAX_STEPS) attempts.push(attempt);
  }

  format(): DecisionTrace {
    const { solicited, attempts = EMPTY_LIST } = this;
    const deliveries = outcomes(this.broadcast?.deliveryTimes() ?? { startedAtMs: this.deliveriesFrom, results: this.results, ms: this.settledMs });
    return {
      eventId: this.eventId,
      roomId: this.roomId,
      startedAt: isoTime(this.startedAtMs),
      lockWaitMs: this.lockWaitMs,
      commitMs: this.commitMs,
      hooks: this.hooks?.format() ?? [],
      targets: (this.targets ?? []).map((target) =>
        target.decision === 'turn' && solicited !== undefined && !solicited.includes(target.channelId)
          ? { channelId: target.channelId, decision: 'not_solicited' }
          : target,
      ),
      deliveries: [...deliveries.filter(({ channelId }) => !attempts.some((noted) => noted.channelId === channelId)), ...attempts],
      turnDecisions: this.turnDecisions?.slice() ?? [],
      turnSteps: (this.turnSteps ?? []).map(inWords),
      turnEnds: this.ends().map(endInWords),
    };
  }

  private ends(): readonly TurnEnd[] {
    const { endedBy: channelId, endedTurnId: turnId, ended: outcome, endedAtMs: atMs, otherEnds = EMPTY_LIST } = this;
    return outcome === undefined ? EMPTY_LIST : [{ channelId, turnId, outcome, atMs }, ...otherEnds];
  }

  private settle({ startedAtMs, results, ms }: DeliveryTimes): void {
    this.deliveriesFrom = startedAtMs;
    this.results = results;
    this.settledMs = ms;
  }
}

function inWords({ endedAtMs, firstTokenMs, tokens, cost, code, recovery, prompt, ...step }: TurnStep): TurnStepTrace {
  return {
    ...step,
    startedAt: isoTime(endedAtMs - step.ms),
    ...(firstTokenMs !== undefined && { firstTokenMs }),
    ...(tokens !== undefined && { tokens }),
    ...(cost !== undefined && { cost }),
    ...(code !== undefined && { code }),
    ...(recovery !== undefined && { recovery }),
    ...(prompt !== undefined && { prompt: prompt.format() }),
  };
}

function endInWords({ channelId, turnId, outcome, atMs }: TurnEnd): TurnEndTrace {
  const { state, endReason, reason, error, replyEventIds } = outcome;
  return {
    channelId,
    turnId,
    at: isoTime(atMs),
    state,
    ...(endReason !== undefined && { endReason }),
    ...(reason !== undefined && { reason }),
    ...(error !== undefined && { code: error.code }),
    replyEventIds,
  };
}

function outcomes({ startedAtMs, results, ms }: DeliveryTimes): DeliveryAttemptTrace[] {
  return results.map((result, position) => ({
    channelId: result.channelId,
    attempt: result.attempts,
    startedAt: isoTime(startedAtMs),
    ms: typeof ms === 'number' ? ms : (ms[position] ?? 0),
    code: result.error?.code ?? result.status,
  }));
}

export class DecisionTraces {
  readonly #ring: (TraceRecord | undefined)[];
  #next = 0;

  /** 0 switches tracing off. */
  constructor(capacity: number) {
    this.#ring = new Array<TraceRecord | undefined>(capacity).fill(undefined);
  }

  get enabled(): boolean {
    return this.#ring.length > 0;
  }

  /** The oldest makes room. */
  keep(trace: TraceFields): TraceRecord {
    const record = (this.#ring[this.#next] ??= new TraceRecord());
    record.begin(trace);
    this.#next = (this.#next + 1) % this.#ring.length;
    return record;
  }

  find(eventId: string): TraceRecord | undefined {
    for (let back = 1; back <= this.#ring.length; back++) {
      const record = this.#ring[(this.#next - back + this.#ring.length) % this.#ring.length];
      if (record === undefined) return undefined;
      if (record.eventId === eventId) return record;
    }
    return undefined;
  }

  get(eventId: string): DecisionTrace | undefined {
    return this.find(eventId)?.format();
  }
}
