/** What a hook's handler gets beside its payload: the room, and what concerns this one call. */
import type { ChannelBinding } from '../models/binding.js';
import type { RoomEvent } from '../models/event.js';
import type { Participant } from '../models/people.js';
import type { Room } from '../models/room.js';
import type { ChannelType } from '../models/vocabulary.js';
import type { RoomContext } from '../rooms/context.js';
import type { HookTrigger } from './triggers.js';

/** The room as the hook finds it, and the call it runs in. */
export interface HookContext extends RoomContext {
  readonly trigger: HookTrigger;
  readonly hookName: string | undefined;
  /** Aborted when the handler's time is up. */
  readonly signal: AbortSignal;
  readonly organizationId: string | undefined;
}

/** One per call of a handler; everything about the room is shared, the signal is made when it is first read (HK-07). */
export class HookCallContext implements HookContext {
  private controller: AbortController | undefined = undefined;
  private aborted: Error | undefined = undefined;

  constructor(
    private readonly shared: RoomContext,
    readonly trigger: HookTrigger,
    readonly hookName: string | undefined,
    readonly organizationId: string | undefined,
  ) {}

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.aborted !== undefined) this.controller.abort(this.aborted);
    }
    return this.controller.signal;
  }

  abort(reason: Error): void {
    this.aborted = reason;
    this.controller?.abort(reason);
  }

  get room(): Room {
    return this.shared.room;
  }
  get bindings(): readonly ChannelBinding[] {
    return this.shared.bindings;
  }
  get participants(): readonly Participant[] {
    return this.shared.participants;
  }
  get recentEvents(): readonly RoomEvent[] {
    return this.shared.recentEvents;
  }
  otherChannels(channelId: string): readonly ChannelBinding[] {
    return this.shared.otherChannels(channelId);
  }
  channelsByType(type: ChannelType): readonly ChannelBinding[] {
    return this.shared.channelsByType(type);
  }
  getBinding(channelId: string): ChannelBinding | undefined {
    return this.shared.getBinding(channelId);
  }
  visibleTo(channelId: string): readonly RoomEvent[] {
    return this.shared.visibleTo(channelId);
  }
}
