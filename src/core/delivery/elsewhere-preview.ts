/** A reply that another process writes, on the connections of this one (OUT-18). */
import type { DeliveryStream } from '../channel.js';
import type { Timer } from '../clock.js';
import type { KitParts } from '../parts.js';
import type { RoomState } from '../store/store.js';
import type { ReplyOpening, ReplyWatcher } from '../turns/reply-watcher.js';
import { SILENCE_MS } from '../turns/shared-preview.js';
import { planFor } from './plan.js';

/** How long connections have to find the event that takes the preview's place. */
const PLACE_MS = 2000;

export class ElsewherePreview {
  #text = '';
  readonly #streams: DeliveryStream[] = [];
  readonly #watchers: ReplyWatcher[] = [];
  #timer: Timer | undefined;
  #isOver = false;

  constructor(
    private readonly parts: KitParts,
    private readonly opening: ReplyOpening,
    private readonly forget: () => void,
  ) {
    this.#expect();
  }

  /** On those of the channels that may see it and have somebody who can. */
  open(state: RoomState, channelIds: ReadonlySet<string>): void {
    const { parts, opening } = this;
    const { roomId, source, visibility } = opening;
    if (this.#isOver) return;
    for (const listener of parts.replyListeners) this.#guarded(() => this.#watchers.push(...[listener(opening) ?? []].flat()));
    if (!opening.isPreviewed) return;
    for (const { channelId, channel, binding } of planFor(parts, parts.rooms.get(roomId), state, source.channelId, visibility).transports) {
      if (!channelIds.has(channelId) || binding.outputMuted || channel?.supportsStreamingDelivery?.(roomId) !== true) continue;
      this.#guarded(() => {
        const stream = channel.openStream?.({ ...opening, isElsewhere: true }, binding);
        if (stream != null) this.#streams.push(stream);
      });
    }
  }

  /** Words that follow on others which have not come wait for the whole. */
  write(offset: number, delta: string): void {
    if (this.#isOver) return;
    this.#expect();
    const known = this.#text.length - offset;
    if (known < 0 || known >= delta.length) return;
    const added = delta.slice(known);
    const text = (this.#text += added);
    for (const stream of this.#streams) this.#guarded(() => stream.write(added, text));
    for (const watcher of this.#watchers) this.#guarded(() => watcher.write(added, text));
  }

  /** By the event in its place, which connections find by its index; or by nothing, for this reason. */
  end(code: string | undefined, eventId?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    const { parts } = this;
    const over = (): void => {
      this.forget();
      for (const stream of this.#streams) this.#guarded(() => stream.error(code ?? 'replayed'));
    };
    if (code === undefined && eventId !== undefined && !parts.stopping.aborted) this.#timer = parts.clock.setTimer(PLACE_MS, over);
    else over();
    if (this.#watchers.length > 0) void parts.tasks.run(() => this.#endWatching(code, eventId));
  }

  async #endWatching(code: string | undefined, eventId: string | undefined): Promise<void> {
    const event = eventId === undefined ? null : await this.parts.store.getEvent(this.opening.roomId, eventId);
    for (const watcher of this.#watchers) this.#guarded(() => watcher.end(event ?? undefined, code));
  }

  /** Who writes it tells that it goes on, or is gone. */
  #expect(): void {
    this.#timer?.cancel();
    this.#timer = this.parts.clock.setTimer(SILENCE_MS, () => this.end('lost'));
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.parts.logger.warn('A reply of another process could not be shown.', { roomId: this.opening.roomId, error });
    }
  }
}
