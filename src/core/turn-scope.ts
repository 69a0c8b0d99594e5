/** What a call and the turn it runs in know; kept apart from where it travels (`call-scope.ts`), which needs Node. */
import type { Cascade } from './pipeline/cascade.js';
import type { Section } from './pipeline/section.js';
import type { TraceContext } from './telemetry/trace-context.js';
import type { Tracer } from './telemetry/tracer.js';

/** The turn a call runs in, as tools and orchestration may know it: `kit.currentTurn()`. */
export interface TurnScope {
  readonly roomId: string;
  readonly turnId: string;
  readonly channelId: string;
  /** Index of the event it answers: what happened since may have overtaken it (TURN-06). */
  readonly triggerIndex: number;
  /** The event at the root of the cascade: one user message. */
  readonly rootEventId: string;
  /** To be done once the turn has ended and its reply is in the timeline; the cascade waits for it (HND-12). */
  readonly afterwards: (() => Promise<void>)[];
}

/** The turn a call runs in, with what belongs to the engine. */
export interface RunningScope extends TurnScope {
  /** Everything the user message set in motion; what is sent inside the turn belongs to it. */
  readonly cascade: Cascade;
}

/** What travels with a call (CON-09). */
export interface CallScope {
  /** The section of a room's lock this call runs in; meaningless once it is closed (LOCK-06). */
  readonly section?: Section;
  readonly turn?: RunningScope | undefined;
  /** Depth of the event whose hook or turn is running (SND-04). */
  readonly causeDepth?: number;
  /** The telemetry span that is open. */
  readonly span?: string | undefined;
  /** Whose span it is, for requests to vendors (TEL-08). */
  readonly tracer?: Tracer | undefined;
  /** The trace that the request came with, which this call answers. */
  readonly incomingTrace?: TraceContext;
}
