/** Directives for turns that are running (§18.3): words put in before the next model call, or an end at once. */
import { AbortedError, ValidationError } from '../core/errors.js';
import type { AIContextPart, AIMessage } from '../core/models/ai.js';
import type { Cancellation } from '../core/async/cancellation.js';

/** A directive to a running turn, told apart by `type`: words put in, a longer prompt, or an end at once. */
export type SteeringDirective =
  | { readonly type: 'inject_message'; readonly content: string | readonly AIContextPart[]; readonly role?: 'user' | 'assistant' }
  | { readonly type: 'update_system_prompt'; readonly append: string }
  | { readonly type: 'cancel'; readonly reason?: string };

/** Which turn is meant: the named one, else the newest of the room. */
export interface SteeringTarget {
  readonly roomId?: string;
  readonly turnId?: string;
}

/** The system's words are for the system prompt alone (AI-10). */
const INJECTABLE: readonly unknown[] = [undefined, 'user', 'assistant'];
/** How many directives may wait for one turn. */
const MAX_WAITING = 100;

/** A turn while it runs: what waits to be read, and how to end it. */
export class SteeredTurn {
  /** Its neighbours among the running ones, while it runs. */
  older: SteeredTurn | undefined = undefined;
  newer: SteeredTurn | undefined = undefined;
  #waiting: Exclude<SteeringDirective, { type: 'cancel' }>[] | undefined;

  constructor(
    readonly roomId: string,
    readonly turnId: string,
    private readonly cancellation: Cancellation,
  ) {}

  /** False when nothing more can be taken. */
  take(directive: SteeringDirective): boolean {
    if (this.cancellation.reason !== undefined) return false;
    if (directive.type === 'cancel') {
      this.cancellation.abort(new AbortedError(directive.reason ?? 'The turn was cancelled by a directive.'));
      return true;
    }
    const waiting = (this.#waiting ??= []);
    if (waiting.length >= MAX_WAITING) return false;
    waiting.push(directive);
    return true;
  }

  /** What came since the last model call, in order (STE-02). */
  drain(): { messages: readonly AIMessage[]; prompts: readonly string[] } | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined) return undefined;
    this.#waiting = undefined;
    const messages: AIMessage[] = [];
    const prompts: string[] = [];
    for (const directive of waiting) {
      if (directive.type === 'inject_message') messages.push({ role: directive.role ?? 'user', content: directive.content });
      else prompts.push(directive.append);
    }
    return { messages, prompts };
  }
}

/** The running turns of one channel, a list by age; empty while none runs (STE-04). */
export class RunningTurns {
  #newest: SteeredTurn | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  open(turn: SteeredTurn): void {
    this.#size++;
    turn.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = turn;
    this.#newest = turn;
  }

  close(turn: SteeredTurn): void {
    if (turn !== this.#newest && turn.newer === undefined) return; // it does not run
    this.#size--;
    if (turn.newer === undefined) this.#newest = turn.older;
    else turn.newer.older = turn.older;
    if (turn.older !== undefined) turn.older.newer = turn.newer;
    turn.older = turn.newer = undefined;
  }

  cancelAll(reason: string): void {
    const turns: SteeredTurn[] = [];
    for (let turn = this.#newest; turn !== undefined; turn = turn.older) turns.push(turn);
    for (const turn of turns.reverse()) turn.take({ type: 'cancel', reason });
  }

  /** Hands the directive to the named turn, else to the newest one of the room; false when there is none (STE-01). */
  steer(directive: SteeringDirective, target: SteeringTarget): boolean {
    checkDirective(directive);
    return this.#find(target)?.take(directive) ?? false;
  }

  #find({ roomId, turnId }: SteeringTarget): SteeredTurn | undefined {
    let found: SteeredTurn | undefined;
    for (let turn = this.#newest; turn !== undefined; turn = turn.older) {
      const isMeant = turnId === undefined ? roomId === undefined || turn.roomId === roomId : turn.turnId === turnId;
      if (!isMeant) continue;
      if (turnId !== undefined) return roomId === undefined || turn.roomId === roomId ? turn : undefined;
      if (roomId !== undefined) return turn;
      // Without a room only an unmistakable turn is meant: one room's words never reach another's.
      if (found !== undefined && found.roomId !== turn.roomId) return undefined;
      found ??= turn;
    }
    return found;
  }
}

function checkDirective(directive: SteeringDirective): void {
  const type: unknown = (directive as SteeringDirective | null | undefined)?.type; // of plain JavaScript it may be anything
  const fits =
    typeof type === 'string' &&
    ((directive.type === 'inject_message' &&
      (typeof directive.content === 'string' || Array.isArray(directive.content)) &&
      INJECTABLE.includes(directive.role)) ||
      (directive.type === 'update_system_prompt' && typeof directive.append === 'string') ||
      directive.type === 'cancel');
  if (!fits) {
    throw new ValidationError(
      `Directive ${JSON.stringify(type)} cannot be used. Give { type: 'inject_message', content, role?: 'user' | 'assistant' }, { type: 'update_system_prompt', append } or { type: 'cancel' }.`,
    );
  }
}
