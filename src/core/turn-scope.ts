/** What the turn a call runs in lets tools and orchestration know; kept apart from where it travels (`call-scope.ts`). */

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
