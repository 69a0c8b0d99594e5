/** What is shown of a reply while it is written (STR-01, STR-02): on channels that can, and to hosts that watch. */
import type { DeliveryStream, StreamPlaceholder } from '../channel.js';
import { planFor, type Target } from '../delivery/plan.js';
import type { ResponseStream } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import { EMPTY_LIST } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { bindingOf, type RoomState } from '../store/store.js';
import type { TurnWork } from './turn-work.js';
import type { ReplyWatcher } from './reply-watcher.js';
import type { SharedPreview } from './shared-preview.js';

/** Opened with the first words, so that an empty reply shows nothing; every one opened is closed exactly once (WS-05). */
export class Previews {
  readonly open = new Map<string, DeliveryStream>();
  readonly #targets: readonly Target[];
  readonly #isPreviewed: boolean;
  #watchers: Set<ReplyWatcher> | undefined;
  #shared: SharedPreview | undefined;
  #opened = false;

  constructor(
    private readonly parts: KitParts,
    private readonly work: TurnWork,
    state: RoomState,
    private readonly stream: ResponseStream,
  ) {
    const { row, trigger } = work;
    const placeholder = stream.placeholder;
    const own = trigger.responseVisibility ?? placeholder.visibility ?? 'all';
    const binding = bindingOf(state, row.channelId);
    const visibility = own === 'all' && binding !== undefined ? binding.visibility : own;
    this.visibility = visibility;
    const source = { channelId: row.channelId, channelType: placeholder.source.channelType, direction: placeholder.source.direction };
    const allowed =
      trigger.chainDepth + 1 < parts.limits.maxChainDepth &&
      binding !== undefined &&
      (binding.access === 'read_write' || binding.access === 'write_only') &&
      !parts.hooks.forbidsPreview(row.roomId, source);
    this.#isPreviewed = allowed;
    this.#targets = allowed
      ? planFor(parts, parts.rooms.get(row.roomId), state, row.channelId, visibility).transports.filter(
          (target) =>
            target.channel?.openStream !== undefined &&
            !target.binding.outputMuted &&
            target.channel.supportsStreamingDelivery?.(row.roomId) === true,
        )
      : EMPTY_LIST;
  }

  readonly visibility: string;

  write(delta: string, text: string): void {
    if (!this.#opened) {
      this.#opened = true;
      for (const target of this.#targets) this.#openOn(target);
      if (this.parts.replyListeners.size > 0) this.#tellListeners();
      this.#shared = this.parts.wire.preview({ ...this.#opening(), isPreviewed: this.#isPreviewed });
    }
    this.#shared?.write(text);
    if (this.#watchers !== undefined) for (const watcher of this.#watchers) this.#guarded(() => watcher.write(delta, text), watcher);
    for (const [channelId, stream] of this.open) {
      try {
        stream.write(delta, text);
      } catch (error) {
        this.open.delete(channelId);
        this.parts.logger.warn('A preview failed; its channel gets the final event.', { channelId, error });
      }
    }
  }

  /** `event`: the blocked one, when it is stored. */
  error(code: string, event?: RoomEvent): void {
    for (const stream of this.open.values()) stream.error(code);
    this.open.clear();
    this.#endWatching(event, code);
  }

  /** Targets that were lost between the first word and the commit get an end too. */
  closeUnplanned(planned: readonly Target[], event: RoomEvent | undefined): void {
    this.#endWatching(event, undefined);
    for (const [channelId, stream] of this.open) {
      if (!planned.some((target) => target.channelId === channelId)) stream.error('channel_detached');
    }
  }

  #opening(): StreamPlaceholder {
    const { work, stream } = this;
    return {
      streamId: `${work.row.id}:${work.row.attempts}`,
      roomId: work.row.roomId,
      source: stream.placeholder.source,
      visibility: this.visibility,
      parentEventId: work.trigger.id,
    };
  }

  /** Hosts who watch see what is written as it is written, whatever a channel may see of it. */
  #tellListeners(): void {
    for (const listener of this.parts.replyListeners) {
      this.#guarded(() => {
        const watcher = listener({ ...this.#opening(), isPreviewed: this.#isPreviewed });
        if (watcher !== undefined) (this.#watchers ??= new Set()).add(watcher);
      });
    }
  }

  #endWatching(event: RoomEvent | undefined, code: string | undefined): void {
    const watchers = this.#watchers;
    this.#watchers = undefined;
    this.#shared?.end(code, event?.id);
    this.#shared = undefined;
    if (watchers !== undefined) for (const watcher of watchers) this.#guarded(() => watcher.end(event, code));
  }

  #guarded(work: () => void, watcher?: ReplyWatcher): void {
    try {
      work();
    } catch (error) {
      if (watcher !== undefined) this.#watchers?.delete(watcher);
      this.parts.logger.warn('Who watches replies failed at one.', { roomId: this.work.row.roomId, error });
    }
  }

  #openOn(target: Target): void {
    try {
      const opened = target.channel?.openStream?.(this.#opening(), target.binding);
      if (opened != null) this.open.set(target.channelId, opened);
    } catch (error) {
      this.parts.logger.warn('A preview could not be opened; its channel gets the final event.', { channelId: target.channelId, error });
    }
  }
}
