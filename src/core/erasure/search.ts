/** Where a person is known: looked for in every record of the store, page by page. */
import type { ListedRecords } from '../store/store.js';
import type { ErasableStore, ErasureParts, Person } from './person.js';

const PAGE = 1000;
const KINDS = ['participant', 'binding', 'event'] as const;

/** Rooms of this kit's organization that know the person, or name them. */
export async function roomsOf(parts: ErasureParts, person: Person): Promise<readonly string[]> {
  const names = [...person.identityIds, ...person.addresses];
  const found = new Set<string>();
  for (const kind of KINDS) for await (const { roomId } of everyRecord(parts.store, kind, names)) found.add(roomId);
  const own: string[] = [];
  for (const roomId of found) if (await isOf(parts, roomId, person.organizationId)) own.push(roomId);
  return own;
}

/** Whether a room belongs to this organization; to none in particular, every one does. */
export async function isOf(parts: ErasureParts, roomId: string, organizationId: string | undefined): Promise<boolean> {
  return organizationId === undefined || (await parts.store.getRoom(roomId))?.organizationId === organizationId;
}

/** Every record of a kind that holds one of these texts. */
export async function* everyRecord<Kind extends keyof ListedRecords>(
  store: ErasableStore,
  kind: Kind,
  containing: readonly string[],
): AsyncGenerator<ListedRecords[Kind]> {
  for (let after: string | undefined; ;) {
    const page = await store.listRecords({ kind, containing, limit: PAGE, ...(after !== undefined && { after }) });
    yield* page.records;
    after = page.next;
    if (after === undefined) return;
  }
}
