/** Where a person is known: looked for in every record of the store, page by page. */
import { recordsOf, roomIdOf } from '../store/records.js';
import type { ErasureParts, Person } from './person.js';

/** Rooms of this kit's organization that know the person, or name them. */
export async function roomsOf(parts: ErasureParts, person: Person): Promise<readonly string[]> {
  const containing = [...person.identityIds, ...person.addresses];
  const found = new Set<string | undefined>();
  for await (const page of recordsOf(parts.store, { kinds: ['room', 'event'], containing })) for (const record of page) found.add(roomIdOf(record));
  const own: string[] = [];
  for (const roomId of found) if (roomId !== undefined && (await isOf(parts, roomId, person.organizationId))) own.push(roomId);
  return own;
}

/** Whether a room belongs to this organization; to none in particular, every one does. */
export async function isOf(parts: ErasureParts, roomId: string, organizationId: string | undefined): Promise<boolean> {
  return organizationId === undefined || (await parts.store.getRoom(roomId))?.organizationId === organizationId;
}
