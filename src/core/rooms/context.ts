/** What a hook, a channel or an agent is told of the room (behaviour §3.3). One object is shared by all targets of an event. */
import type { ChannelBinding } from '../models/binding.js';
import type { RoomEvent } from '../models/event.js';
import type { Participant } from '../models/people.js';
import type { Room } from '../models/room.js';
import type { ChannelType } from '../models/vocabulary.js';
import { canSeeEvent } from '../delivery/visibility.js';

/** The room around an event, for hooks, channels, agents and resolvers. */
export interface RoomContext {
  readonly room: Room;
  readonly bindings: readonly ChannelBinding[];
  readonly participants: readonly Participant[];
  /** The newest events, ascending; unfiltered (see {@link RoomContext.visibleTo}). Empty where nobody asked for history (INB-04). */
  readonly recentEvents: readonly RoomEvent[];
  /** The room's bindings without this one. */
  otherChannels(channelId: string): readonly ChannelBinding[];
  /** The room's bindings of one type of channel. */
  channelsByType(type: ChannelType): readonly ChannelBinding[];
  /** The binding of this channel; undefined when it is not attached. */
  getBinding(channelId: string): ChannelBinding | undefined;
  /** What of {@link RoomContext.recentEvents} this channel may see (PERM-07). */
  visibleTo(channelId: string): readonly RoomEvent[];
}

/** The history of a context, read when it is first asked for. */
export type RecentEvents = () => readonly RoomEvent[];

const noEvents: RecentEvents = () => [];

export class RoomContextView implements RoomContext {
  private recent: readonly RoomEvent[] | undefined = undefined;

  constructor(
    readonly room: Room,
    readonly bindings: readonly ChannelBinding[],
    readonly participants: readonly Participant[],
    private readonly readRecent: RecentEvents = noEvents,
  ) {}

  get recentEvents(): readonly RoomEvent[] {
    return (this.recent ??= this.readRecent());
  }

  otherChannels(channelId: string): readonly ChannelBinding[] {
    return this.bindings.filter((binding) => binding.channelId !== channelId);
  }

  channelsByType(type: ChannelType): readonly ChannelBinding[] {
    return this.bindings.filter((binding) => binding.channelType === type);
  }

  getBinding(channelId: string): ChannelBinding | undefined {
    return this.bindings.find((binding) => binding.channelId === channelId);
  }

  visibleTo(channelId: string): readonly RoomEvent[] {
    const binding = this.getBinding(channelId);
    if (binding === undefined) return [];
    return this.recentEvents.filter((event) => canSeeEvent(event, binding));
  }
}
