/** How the cases of the storage contract are written: each gets an empty store, which is closed behind it. */
import type { RoomEventDraft } from '../../core/models/event.js';
import type { Awaitable } from '../../core/models/json.js';
import type { Room } from '../../core/models/room.js';
import type { CommitResult, ConversationStore, EventCommit } from '../../core/store/store.js';
import type { ContractCase } from './contract.js';
import { draft, room } from './samples.js';

/** Gives a new, empty store each time it is called. The suite closes it. */
export type OpenStore = () => Awaitable<ConversationStore>;
/** One promise of stores. */
export type StoreCase = ContractCase<OpenStore>;

interface StoreTest {
  readonly name: string;
  readonly rules: readonly string[];
  test(store: ConversationStore): Promise<void>;
}

export function storeCases(tests: readonly StoreTest[]): readonly StoreCase[] {
  return tests.map(({ name, rules, test }) => ({
    name,
    rules,
    run: async (open) => {
      const store = await open();
      try {
        await test(store);
      } finally {
        await store.close();
      }
    },
  }));
}

export async function openRoom(store: ConversationStore, roomId = 'room', fields: Partial<Room> = {}): Promise<Room> {
  return store.createRoom(room(roomId, fields));
}

/** Commits a message, with what else belongs to the commit. */
export async function say(
  store: ConversationStore,
  roomId: string,
  eventId: string,
  fields: Partial<RoomEventDraft> = {},
  commit: Omit<EventCommit, 'event'> = {},
): Promise<CommitResult> {
  return store.commitEvent({ event: draft(roomId, eventId, fields), ...commit });
}

export function ids(list: readonly { readonly id: string }[]): string[] {
  return list.map(({ id }) => id);
}
