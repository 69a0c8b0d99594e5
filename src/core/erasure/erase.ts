/** Erases a person wherever this kit knows of them (§37). Called once more, it goes on where it stopped. */
import type { KitParts } from '../parts.js';
import { recordsOf, roomIdOf, type RemovedRecord } from '../store/records.js';
import { erasable, findPerson, type ErasureParts, type Person, type PersonQuery } from './person.js';
import { emptyReport, type EraseOptions, type ErasureReport } from './report.js';
import { eraseInRoom } from './room-erasure.js';
import { isOf, roomsOf } from './search.js';
import { checkOptionNames } from '../option-names.js';
import { ValidationError } from '../errors.js';

export async function erasePerson(
  parts: KitParts,
  query: PersonQuery,
  options: EraseOptions,
  deleteRoom: (roomId: string) => Promise<boolean>,
): Promise<ErasureReport> {
  parts.assertOpen();
  checkOptions(options);
  const own = erasable(parts, 'nobody can be erased from it');
  const report = emptyReport();
  const person = await findPerson(parts, query);
  if (person === null) return report;
  parts.outcomes.flush();
  for (const roomId of await roomsOf(own, person)) {
    const done = await eraseInRoom(own, roomId, person, options, report);
    if (done === 'changed') report.rooms++;
    if (done === 'to_be_deleted' && (await deleteRoom(roomId))) report.roomsDeleted++;
  }
  await eraseOutsideOfRooms(own, person, options, report);
  await eraseIdentities(own, person, report);
  if (Object.values(report).some((count: number) => count > 0)) {
    await own.store.purge?.();
    if (parts.framework.has('identity_erased')) {
      const { rooms, events, deliveries } = report;
      parts.framework.emit('identity_erased', { data: { rooms, events, deliveries } });
    }
  }
  return report;
}

/** Messages on hold, codes that were asked for, and who has opted out: these belong to no room. */
async function eraseOutsideOfRooms(parts: ErasureParts, person: Person, options: EraseOptions, report: ErasureReport): Promise<void> {
  const { store } = parts;
  const { organizationId } = person;
  const names = [...person.addresses, ...person.identityIds];
  if (names.length === 0) return;
  const isTheirs = (name: string): boolean => person.addresses.has(name) || person.identityIds.has(name);
  const remove: RemovedRecord[] = [];
  for await (const page of recordsOf(store, { kinds: ['held', 'creation'], containing: names })) {
    for (const record of page) {
      if (!(await isOf(parts, roomIdOf(record) ?? '', organizationId))) continue;
      if (record.kind === 'creation') remove.push({ kind: 'creation', id: record.key });
      if (record.kind !== 'held' || !isTheirs(record.held.message.senderId)) continue;
      remove.push({ kind: 'held', id: record.held.id });
      report.held++;
    }
  }
  if (remove.length > 0) await store.changeRecords({ remove });
  for (const prefix of ['identity_code:', 'opt_out:']) {
    const facts = (await store.listFacts?.({ prefix })) ?? [];
    for (const { key, fact } of facts) {
      const named = partsOfKey(key.slice(prefix.length));
      if (!named.some(isTheirs)) continue;
      // A code names its channel: another organization's is not registered here.
      if (prefix === 'identity_code:' && organizationId !== undefined && parts.channels.get(named[0] ?? '') === undefined) continue;
      if (prefix === 'opt_out:') {
        if (organizationId !== undefined && named[0] !== organizationId) continue;
        if (options.keepOptOuts !== false) {
          const { word: _word, roomId: _room, channelId: _channel, ...kept } = fact;
          await store.putFact?.(key, kept);
          continue;
        }
      }
      await store.putFact?.(key, null);
      report.facts++;
    }
  }
}

/** Keys of such facts are lists of texts. */
function partsOfKey(text: string): string[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

/** Last of all: whoever goes on after a crash finds everything by them. */
async function eraseIdentities(parts: ErasureParts, person: Person, report: ErasureReport): Promise<void> {
  const { identity } = person;
  if (identity === null) return;
  const remove: RemovedRecord[] = [...person.identityIds].filter((id) => id !== identity.id).map((id) => ({ kind: 'merge', id }));
  await parts.store.changeRecords({ remove: [...remove, { kind: 'identity', id: identity.id }] });
  report.identities += remove.length + 1;
}

const OPTION_NAMES: Readonly<Record<keyof EraseOptions, true>> = { whereAlone: true, keepOptOuts: true };

function checkOptions(options: EraseOptions): void {
  checkOptionNames('kit.erasePerson', options, OPTION_NAMES);
  const { whereAlone = 'everything' } = options;
  if (!['everything', 'own', 'room'].includes(whereAlone))
    throw new ValidationError(`Option whereAlone is ${JSON.stringify(whereAlone)}. Use 'everything', 'own' or 'room'.`);
}
