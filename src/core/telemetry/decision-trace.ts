/** The decision trace (TEL-07): what each step decided and how long it took, for the newest events, without content. */
import { isoTime } from '../clock.js';
import type { DeliveryResult } from '../models/delivery.js';
import { EMPTY_LIST } from '../models/json.js';
import type { DecisionTrace, DeliveryAttemptTrace, HookVerdictTrace, TargetTrace, TurnDecisionTrace } from '../models/trace.js';
import { RewrittenList } from './rewritten-list.js';
import { TurnEndRecord, type TurnEnd } from './turn-end-record.js';
import { TurnStepRecord, type TurnStep } from './turn-step-record.js';

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

/** More of one event tell nothing new. */
const MAX_NOTES = 500;

const NO_DELIVERIES: DeliveryTimes = { startedAtMs: 0, results: EMPTY_LIST, ms: 0 };

const NO_TRACE: TraceFields = {
  eventId: '',
  roomId: '',
  startedAtMs: 0,
  lockWaitMs: 0,
  commitMs: 0,
  hooks: undefined,
  targets: undefined,
  solicited: undefined,
  broadcast: undefined,
};

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
  private turnSteps: RewrittenList<TurnStep, TurnStepRecord> | undefined = undefined;
  private turnEnds: RewrittenList<TurnEnd, TurnEndRecord> | undefined = undefined;
  private turnDecisions: TurnDecisionTrace[] | undefined = undefined;
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
    this.turnSteps?.clear();
    this.turnEnds?.clear();
    this.turnDecisions = undefined;
    this.attempts = undefined;
  }

  /** All deliveries of the event are known: what they came to is kept, and not what made them. */
  settled(eventId: string, deliveries: DeliveryTimes): void {
    if (this.eventId !== eventId) return; // the place belongs to a newer event by now
    this.broadcast = undefined;
    this.settle(deliveries);
  }

  addTurnStep(step: TurnStep): void {
    (this.turnSteps ??= new RewrittenList(() => new TurnStepRecord())).add(step);
  }

  addTurnEnd(end: TurnEnd): void {
    (this.turnEnds ??= new RewrittenList(() => new TurnEndRecord())).add(end);
  }

  addTurnDecision(decision: Omit<TurnDecisionTrace, 'at'>, atMs: number): void {
    const decisions = (this.turnDecisions ??= []);
    if (decisions.length < MAX_NOTES) decisions.push({ ...decision, at: isoTime(atMs) });
  }

  addAttempt(attempt: DeliveryAttemptTrace): void {
    const attempts = (this.attempts ??= []);
    if (attempts.length < MAX_NOTES) attempts.push(attempt);
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
      turnSteps: this.turnSteps?.map((step) => step.format()) ?? [],
      turnEnds: this.turnEnds?.map((end) => end.format()) ?? [],
    };
  }

  private settle({ startedAtMs, results, ms }: DeliveryTimes): void {
    this.deliveriesFrom = startedAtMs;
    this.results = results;
    this.settledMs = ms;
  }
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

  /** How many are kept. */
  get size(): number {
    return this.#ring.filter((record) => record !== undefined).length;
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

  /** The place stays, and is written over in its turn. */
  forget(eventId: string): void {
    this.find(eventId)?.begin(NO_TRACE);
  }

  get(eventId: string): DecisionTrace | undefined {
    return this.find(eventId)?.format();
  }
}
