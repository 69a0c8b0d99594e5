/** What can be looked at afterwards: protocol traces (HK-16) and the decision trace of an event (TEL-07). No content. */
import type { Metadata } from './json.js';
import type { ChannelDirection, CollisionPolicy, TurnEndReason, TurnState } from './vocabulary.js';

/** One exchange with a vendor, as a channel reports it. */
export interface ProtocolTrace {
  readonly channelId: string;
  readonly direction: ChannelDirection;
  readonly protocol: string;
  readonly summary: string;
  readonly raw?: string;
  readonly metadata?: Metadata;
  readonly timestamp: string;
  readonly sessionId?: string;
  readonly roomId?: string;
}

/** One hook that ran on an event, and how long it took in milliseconds. */
export interface HookVerdictTrace {
  readonly hook: string;
  readonly trigger: string;
  readonly verdict: 'allow' | 'block' | 'modify' | 'failed' | 'timeout';
  /** Why it blocked, in the hook's own words. */
  readonly reason?: string;
  readonly ms: number;
}

/** One channel of the room, and why it was served or left out. */
export interface TargetTrace {
  readonly channelId: string;
  /** `delivery` or `turn`; else why it was left out. */
  readonly decision: 'delivery' | 'turn' | 'source' | 'access' | 'direction' | 'visibility' | 'muted' | 'not_solicited';
}

/** One attempt of one delivery. */
export interface DeliveryAttemptTrace {
  readonly channelId: string;
  readonly attempt: number;
  readonly startedAt: string;
  readonly ms: number;
  /** `sent`, or the error code. */
  readonly code: string;
}

/** One generation or tool call of a turn. */
export interface TurnStepTrace {
  readonly channelId: string;
  readonly turnId: string;
  readonly kind: 'generation' | 'tool';
  readonly name: string;
  readonly startedAt: string;
  readonly ms: number;
  /** From the request to the first piece of the answer; of generations that got one. */
  readonly firstTokenMs?: number;
  readonly tokens?: Readonly<Record<string, number>>;
  /** Of generations whose model has prices (USG-02). */
  readonly cost?: number;
  readonly code?: string;
  /** What was done after a generation that failed: asked again, with less of the history, or by the fallback. Absent: nothing. */
  readonly recovery?: 'retry' | 'shorter' | 'fallback';
  /** Of generations: what the model was given. */
  readonly prompt?: PromptTrace;
}

/** What a model was given for one generation, in figures and without its words. */
export interface PromptTrace {
  /** In the order a model reads them; what there was nothing of is left out. */
  readonly parts: readonly PromptPartTrace[];
  /** Among the messages. */
  readonly images: number;
  /** The names of the tools it was offered. */
  readonly tools: readonly string[];
}

/**
 * One part of a prompt. `own_prompt` is the agent's, or that of the room in its place; `identity` says who it is; `notes` were
 * added for this turn; `memory` is what a memory put before the `history`; `asked` is what is answered; `work` is what the
 * turn itself has said, called and got back.
 */
export interface PromptPartTrace {
  readonly part: 'own_prompt' | 'identity' | 'notes' | 'tools' | 'memory' | 'history' | 'asked' | 'work';
  readonly chars: number;
  /** How many messages, or tools. */
  readonly count?: number;
}

/**
 * What became of an event's turn where its agent was not free (§17): it waited, was answered together with others, was cut
 * short by a newer message, or was turned away; or where it had to wait for people. A turn that began at once leaves none.
 */
export interface TurnDecisionTrace {
  readonly channelId: string;
  readonly turnId: string;
  readonly decision: 'queued' | 'merged' | 'interrupted' | 'rejected' | 'waiting' | 'resumed';
  /** The policy that decided. */
  readonly policy: CollisionPolicy;
  readonly at: string;
  /** `agent_busy`, `turn_queue_full`; queued without one: what may follow is waited for. */
  readonly reason?: string;
  /** Merged: the turn that answers this message too. */
  readonly mergedInto?: string;
  /** Merged: the event whose trace has that turn's steps. */
  readonly answeredWith?: string;
  /** Interrupted: the newer message. */
  readonly interruptedBy?: string;
}

/** How a turn that was begun has ended (§17). */
export interface TurnEndTrace {
  readonly channelId: string;
  readonly turnId: string;
  readonly at: string;
  readonly state: TurnState;
  readonly endReason?: TurnEndReason;
  /** Why it came to nothing: `channel_detached`, `taken_over`, `interrupted` … */
  readonly reason?: string;
  /** The error that ended it. */
  readonly code?: string;
  readonly replyEventIds: readonly string[];
}

/** What was decided about one event, step by step, without its content: `kit.getTrace(eventId)` (TEL-07). Times are milliseconds. */
export interface DecisionTrace {
  readonly eventId: string;
  readonly roomId: string;
  readonly startedAt: string;
  /** Waiting for the room's lock. */
  readonly lockWaitMs: number;
  /** From the call to the commit. */
  readonly commitMs: number;
  readonly hooks: readonly HookVerdictTrace[];
  readonly targets: readonly TargetTrace[];
  readonly deliveries: readonly DeliveryAttemptTrace[];
  readonly turnDecisions: readonly TurnDecisionTrace[];
  readonly turnSteps: readonly TurnStepTrace[];
  readonly turnEnds: readonly TurnEndTrace[];
}
