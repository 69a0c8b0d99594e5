/** The forms one event takes for its targets (§11.1): transcoded and cut once per kind of target, shared by all of that kind. */
import { errorMessage } from '../errors.js';
import type { EventContent } from '../models/content.js';
import { copyOfEvent, type RoomEvent } from '../models/event.js';
import { EMPTY, isPromise, type Awaitable } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { limitLength, partsOf } from './limit-length.js';
import type { Target } from './plan.js';
import { transcodeFor } from './transcode.js';

export interface Form {
  readonly event: RoomEvent;
  /** Set when the text has to be sent in several parts (TRC-03). */
  readonly parts: readonly string[] | undefined;
}

export class EventForms {
  private readonly public: RoomEvent;
  private lastKey: string | undefined = undefined;
  private lastForm: Form | null = null;
  private byKey: Map<string, Form | null> | undefined = undefined;

  constructor(
    private readonly parts: KitParts,
    event: RoomEvent,
    private readonly source: Target['binding'] | undefined,
  ) {
    this.public = withoutStamps(event);
  }

  /** What this target gets; null when nothing of the content can be carried (OUT-04). */
  for(target: Target): Awaitable<Form | null> {
    const custom = this.parts.transcoder;
    if (custom !== undefined) return this.#custom(custom.transcode.bind(custom), target);
    if (this.lastKey === target.contentKey) return this.lastForm;
    let form = this.byKey?.get(target.contentKey);
    if (form === undefined) {
      form = this.#shape(transcodeFor(this.public.content, target.binding.capabilities), target);
      if (this.lastKey !== undefined) (this.byKey ??= new Map()).set(target.contentKey, form);
    }
    if (this.lastKey === undefined) {
      this.lastKey = target.contentKey;
      this.lastForm = form;
    }
    return form;
  }

  async #custom(
    transcode: (content: EventContent, source: Target['binding'] | undefined, target: Target['binding']) => Awaitable<EventContent | null>,
    target: Target,
  ): Promise<Form | null> {
    try {
      const result = transcode(this.public.content, this.source, target.binding);
      return this.#shape(isPromise(result) ? await result : result, target);
    } catch (error) {
      this.parts.logger.warn('The transcoder failed.', { channelId: target.channelId, error: errorMessage(error) });
      return null; // TRC-04: a throw counts as null
    }
  }

  #shape(content: EventContent | null, target: Target): Form | null {
    if (content === null) return null;
    const capabilities = target.binding.capabilities;
    const parts = capabilities.overflow === 'split' ? partsOf(content, capabilities) : undefined;
    const limited = parts === undefined ? limitLength(content, capabilities) : content;
    return { event: limited === this.public.content ? this.public : Object.freeze({ ...this.public, content: limited }), parts };
  }
}

/** Transports and models do not see where an event was routed (ORC-02). */
export function withoutStamps(event: RoomEvent): RoomEvent {
  const metadata = event.metadata;
  if (metadata['_routed_to'] === undefined && metadata['_always_process'] === undefined) return event;
  const { _routed_to, _always_process, ...rest } = metadata;
  const plain = copyOfEvent(event);
  plain.metadata = EMPTY;
  for (const _key in rest) plain.metadata = Object.freeze(rest);
  return Object.freeze(plain);
}
