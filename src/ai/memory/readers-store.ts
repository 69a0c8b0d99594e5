/** The store as one reader sees it, in one turn: the same filter as its history, and its own summary only (MEM-01). */
import type { ChannelServices } from '../../core/channel.js';
import type { Logger } from '../../core/logger.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { Awaitable } from '../../core/models/json.js';
import type { RoomContext } from '../../core/rooms/context.js';
import type { FoundEvent, MemoryAccess } from '../../core/rooms/memory-access.js';
import { summaryOf, type StoredSummary, type SummaryBasis } from '../../core/rooms/summaries.js';
import { isConversation } from '../history.js';
import type { MemoryStore } from './memory.js';

export class ReadersStore implements MemoryStore {
  readonly search?: NonNullable<MemoryStore['search']>;

  constructor(
    private readonly services: ChannelServices,
    private readonly access: MemoryAccess,
    private readonly context: RoomContext,
    private readonly channelId: string,
    private readonly turnId: string,
    triggers: readonly RoomEvent[],
  ) {
    const { search } = access;
    const [first, last] = [triggers[0], triggers.at(-1)];
    if (search === undefined || first === undefined || last === undefined) return;
    this.search = async (words, { scope, signal }) => {
      // What came after the first of what is answered is answered too, or waits for its own turn.
      const found = await search({ event: first.id === last.id ? last : { ...last, index: first.index }, words, scope, signal });
      return found.filter(({ event }: FoundEvent) => isConversation(event, channelId));
    };
  }

  get logger(): Logger {
    return this.services.logger;
  }

  async events(query: { readonly afterIndex: number; readonly limit: number }): Promise<{ events: readonly RoomEvent[]; more: boolean }> {
    const { events, more } = await this.services.readVisible(this.context.room.id, query);
    return { events: events.filter((event) => isConversation(event, this.channelId)), more };
  }

  summary(): StoredSummary | undefined {
    return summaryOf(this.context, this.channelId);
  }

  saveSummary(made: Pick<StoredSummary, 'text' | 'upToIndex'>, basis: SummaryBasis): Promise<boolean> {
    return this.access.saveSummary(this.context.room.id, made, basis);
  }

  spent(used: Parameters<MemoryStore['spent']>[0]): Awaitable<void> {
    return this.access.spent({ roomId: this.context.room.id, turnId: this.turnId, ...used });
  }

  monotonic(): number {
    return this.services.clock.monotonic();
  }

  background(work: (signal: AbortSignal) => Promise<void>): void {
    this.access.background(work);
  }
}
