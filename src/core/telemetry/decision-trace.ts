/** The decision trace (TEL-07): what each step decided and how long it took, for the newest events, without content. */
import { isoTime } from '../clock.js';
import type { DecisionTrace, DeliveryAttemptTrace, HookVerdictTrace, TargetTrace, TurnStepTrace } from '../models/trace.js';

/** A trace being written: plain fields and shared references, put into words only when somebody asks. */
export class TraceRecord {
  eventId = '';
  lockWaitMs = 0;
  commitMs = 0;
  hooks: readonly HookVerdictTrace[] | undefined;
  targets: readonly TargetTrace[] | undefined;
  /** The agents that were solicited, when not all were. */
  solicited: readonly string[] | undefined;
  /** Who knows of the deliveries. */
  broadcast: { traceAttempts(): readonly DeliveryAttemptTrace[] } | undefined;
  private turnSteps: TurnStepTrace[] | undefined;

  constructor(
    readonly roomId: string,
    readonly startedAtMs: number,
  ) {}

  addTurnStep(step: TurnStepTrace): void {
    const steps = (this.turnSteps ??= []);
    if (steps.length < 500) steps.push(step);
  }

  format(): DecisionTrace {
    const { solicited } = this;
    return {
      eventId: this.eventId,
      roomId: this.roomId,
      startedAt: isoTime(this.startedAtMs),
      lockWaitMs: this.lockWaitMs,
      commitMs: this.commitMs,
      hooks: this.hooks ?? [],
      targets: (this.targets ?? []).map((target) =>
        target.decision === 'turn' && solicited !== undefined && !solicited.includes(target.channelId)
          ? { channelId: target.channelId, decision: 'not_solicited' }
          : target,
      ),
      deliveries: this.broadcast?.traceAttempts() ?? [],
      turnSteps: this.turnSteps ?? [],
    };
  }
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

  begin(roomId: string, startedAtMs: number): TraceRecord {
    return new TraceRecord(roomId, startedAtMs);
  }

  /** The oldest makes room. */
  keep(record: TraceRecord): void {
    this.#ring[this.#next] = record;
    this.#next = (this.#next + 1) % this.#ring.length;
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
