/** What a gate's handler decides: allow, block or modify (behaviour §3.3). */
import { ValidationError } from '../errors.js';
import type { InjectedEvent } from '../models/delivery.js';
import { EMPTY, EMPTY_LIST, type Metadata } from '../models/json.js';
import type { ObservationDraft, TaskDraft } from '../models/task.js';

/** Side effects that go with a verdict: they are kept whatever the verdict is (HK-04). */
export interface HookExtras {
  readonly injectedEvents?: readonly InjectedEvent[];
  readonly tasks?: readonly TaskDraft[];
  readonly observations?: readonly ObservationDraft[];
  readonly metadata?: Metadata;
}

/** The verdict of a gate's handler: made by {@link HookResult.allow}, {@link HookResult.block} or {@link HookResult.modify}. */
export class HookResult<Payload = never> {
  private constructor(
    readonly action: 'allow' | 'block' | 'modify',
    readonly payload: Payload | undefined,
    readonly reason: string | undefined,
    extra: HookExtras | undefined,
  ) {
    this.injectedEvents = extra?.injectedEvents ?? EMPTY_LIST;
    this.tasks = extra?.tasks ?? EMPTY_LIST;
    this.observations = extra?.observations ?? EMPTY_LIST;
    this.metadata = extra?.metadata ?? EMPTY;
  }

  readonly injectedEvents: readonly InjectedEvent[];
  readonly tasks: readonly TaskDraft[];
  readonly observations: readonly ObservationDraft[];
  readonly metadata: Metadata;

  static readonly #allow = new HookResult<never>('allow', undefined, undefined, undefined);

  /** Lets the event pass. */
  static allow(extra?: HookExtras): HookResult {
    return extra === undefined ? HookResult.#allow : new HookResult<never>('allow', undefined, undefined, extra);
  }

  /** Stops the event; it is stored as blocked and nobody hears it. */
  static block(reason: string, extra?: HookExtras): HookResult {
    if (typeof reason !== 'string' || reason === '') {
      throw new ValidationError('HookResult.block needs a reason: HookResult.block("contains_card_number").');
    }
    return new HookResult<never>('block', undefined, reason, extra);
  }

  /** Lets another payload of the same type pass in its place; `''` is a rewrite too. */
  static modify<Payload>(payload: Payload, extra?: HookExtras): HookResult<Payload> {
    if (payload === undefined) {
      throw new ValidationError('HookResult.modify needs the new payload: HookResult.modify({ ...event, content }).');
    }
    return new HookResult<Payload>('modify', payload, undefined, extra);
  }
}
