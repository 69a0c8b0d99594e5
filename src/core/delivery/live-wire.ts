/**
 * What live connections are shown besides events, told from process to process (OUT-18): typing and receipts, events that were
 * changed, replies while they are written. Nothing of it is stored, and what is lost on the way is not shown; events come by index.
 */
import type { EphemeralEvent } from '../models/ephemeral.js';
import type { RoomEvent } from '../models/event.js';
import type { KitParts } from '../parts.js';
import type { RealtimeMessage } from '../realtime/backend.js';
import { deliverEphemeral } from '../realtime/publish.js';
import { loadState } from '../pipeline/commit.js';
import type { ReplyOpening } from '../turns/reply-watcher.js';
import { SharedPreview, type PreviewMessage } from '../turns/shared-preview.js';
import { bindingOf } from '../store/store.js';
import { ElsewherePreview } from './elsewhere-preview.js';
import type { RoomFollower } from './followers.js';
import type { RoomOutcomes } from './outcome-news.js';

/** What one process tells the others that have connections in a room. */
export type LiveMessage =
  | { readonly kind: 'ephemeral'; readonly event: EphemeralEvent }
  | { readonly kind: 'changed'; readonly change: 'updated' | 'deleted'; readonly event: RoomEvent }
  | { readonly kind: 'outcomes'; readonly outcomes: RoomOutcomes }
  | PreviewMessage;

/** Who hears a room here. */
interface Listening {
  readonly channels: ReadonlySet<string>;
  readonly followers: ReadonlySet<RoomFollower>;
}

export class LiveWire {
  /** Replies that other processes write, by their stream. */
  readonly #previews = new Map<string, ElsewherePreview>();
  #isStopped = false;

  constructor(private readonly parts: KitParts) {}

  ephemeral(event: EphemeralEvent): void {
    this.#tell(event.roomId, { kind: 'ephemeral', event });
  }

  /** What was changed is told without its words: they are in the store, or are to disappear. */
  changed(event: RoomEvent, change: 'updated' | 'deleted'): void {
    if (!this.#reaches) return;
    const content = { type: 'text', body: '' } as const;
    this.#tell(event.roomId, {
      kind: 'changed',
      change,
      event: { ...event, content, source: { ...event.source, rawPayload: {} }, channelData: {}, metadata: {} },
    });
  }

  /** For hosts who follow the room elsewhere: of which events, and no more. */
  outcomes(roomId: string, outcomes: RoomOutcomes): void {
    this.#tell(roomId, { kind: 'outcomes', outcomes });
  }

  /** Undefined when there is nobody to be shown it. */
  preview(opening: ReplyOpening): SharedPreview | undefined {
    if (!this.#reaches) return undefined;
    return new SharedPreview(this.parts.clock, opening, (message) => this.#tell(opening.roomId, message));
  }

  /** Another process has told something of a room that these channels have connections in. */
  hear(roomId: string, room: Listening, message: RealtimeMessage): void {
    const { from, live } = message as { readonly from?: unknown; readonly live?: LiveMessage }; // as #tell writes it
    if (live === undefined || from === this.parts.owner || this.#isStopped) return;
    void this.parts.tasks.run(async () => {
      try {
        await this.#show(roomId, room, live);
      } catch (error) {
        this.parts.logger.warn('What another process shows could not be shown here.', { roomId, kind: live.kind, error });
      }
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const preview of this.#previews.values()) preview.end('kit_closed');
    this.#previews.clear();
  }

  get #reaches(): boolean {
    const { store, realtime } = this.parts;
    return store.shared === true && realtime.distributed;
  }

  #tell(roomId: string, live: LiveMessage): void {
    const { parts } = this;
    if (!this.#reaches) return;
    void parts.tasks.run(async () => {
      try {
        await parts.realtime.publish(liveChannel(roomId), { from: parts.owner, live });
      } catch (error) {
        parts.logger.debug('Other processes could not be shown something.', { roomId, kind: live.kind, error });
      }
    });
  }

  async #show(roomId: string, room: Listening, live: LiveMessage): Promise<void> {
    switch (live.kind) {
      case 'ephemeral':
        return deliverEphemeral(this.parts, live.event, room.channels);
      case 'changed':
        return this.#change(roomId, room, live.event, live.change);
      case 'outcomes':
        return this.parts.news.heard(roomId, live.outcomes);
      case 'stream':
        return this.#take(room.channels, live);
      case 'stream_chunk':
        return this.#previews.get(live.streamId)?.write(live.offset, live.delta);
      case 'stream_end':
        return this.#previews.get(live.streamId)?.end(live.code, live.eventId);
    }
  }

  async #change(roomId: string, { channels, followers }: Listening, told: RoomEvent, change: 'updated' | 'deleted'): Promise<void> {
    const { parts } = this;
    parts.rooms.peek(roomId)?.dropTail();
    const state = await loadState(parts, roomId);
    const event = change === 'updated' ? await parts.store.getEvent(roomId, told.id) : null;
    for (const follower of followers) follower.changed?.(event ?? told, event === null ? 'deleted' : change);
    for (const channelId of channels) {
      const binding = bindingOf(state, channelId);
      if (binding === undefined) continue;
      await parts.channels.get(channelId)?.channel.onEventChanged?.(event ?? told, event === null ? 'deleted' : change, binding);
    }
  }

  async #take(channelIds: ReadonlySet<string>, { opening, text }: Extract<LiveMessage, { kind: 'stream' }>): Promise<void> {
    const { streamId, roomId } = opening;
    let preview = this.#previews.get(streamId);
    if (preview === undefined) {
      preview = new ElsewherePreview(this.parts, opening, () => this.#previews.delete(streamId));
      this.#previews.set(streamId, preview);
      try {
        preview.open(await loadState(this.parts, roomId), channelIds);
      } catch (error) {
        preview.end('unavailable');
        throw error;
      }
    }
    preview.write(0, text);
  }
}

/** The pub/sub channel of what is shown in a room. */
export function liveChannel(roomId: string): string {
  return `room:${roomId}:live`;
}
