/** `roomkit db copy`: everything of one database in another (STO-21). Until both were compared, the other one is not to be used. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { COPY_MARK, OWN_FACTS, RECORD_KINDS, recordsOf, recordStore, type ConversationStore, type RecordKind, type StoredRecord } from 'roomkit';
import { CannotRun, complain, say } from '../say.js';
import type { Operation } from './commands.js';
import { openStore, placeOf, statusOf, withoutPassword, type Place } from './databases.js';
import { tableOf, terminalStyle } from './table.js';

export interface Tally {
  readonly kind: RecordKind;
  readonly count: number;
  readonly digest: string;
}

export async function databaseCopy({ arguments: [fromText = '', toText = ''], options }: Operation): Promise<void> {
  const from = placeOf(fromText, options.schema);
  const to = placeOf(toText, options.schema);
  if (isSame(from, to)) throw new CannotRun('FROM and TO are the same database. Name another one to copy into.', 2);
  await checkUnused(from, options.force === true);
  const source = await openStore(from);
  try {
    const target = await openStore(to, { mayCreate: true, unfinished: true });
    try {
      const tallies = await copyStore(source, target, progress);
      if (options.json === true) say(JSON.stringify({ from: withoutPassword(fromText), to: withoutPassword(toText), records: tallies }, null, 2));
      else {
        const rows = tallies.map(({ kind, count, digest }) => [kind, count, digest.slice(0, 16)]);
        say(tableOf(['RECORDS', 'COUNT', 'DIGEST'], rows, terminalStyle()));
        say(`Copied, and the same on both sides. Give ${withoutPassword(toText)} to your processes now.`);
      }
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Copies, compares, and takes the mark away. Throws CannotRun when the target is in use, or when the two differ afterwards. */
export async function copyStore(
  source: ConversationStore,
  target: ConversationStore,
  onProgress: (tally: Omit<Tally, 'digest'>) => void,
): Promise<Tally[]> {
  const to = recordStore(target);
  if (to.getFact === undefined || to.putFact === undefined)
    throw new CannotRun(`The store '${target.name}' keeps no facts, so nothing could be copied into it.`);
  const isAgain = (await to.getFact(COPY_MARK)) !== null;
  if (!isAgain && (await to.findRooms({ limit: 1 })).length > 0)
    throw new CannotRun('The database to copy into has rooms already. Copy into an empty one: a new file, a new database, or --schema NAME.');
  await to.putFact(COPY_MARK, { from: source.name });
  if (isAgain) await clear(target);
  const read = new Tallies();
  for await (const records of recordsOf(source)) {
    const own = records.filter(isCopied);
    if (own.length === 0) continue;
    await to.changeRecords({ add: own });
    onProgress(read.add(own));
  }
  const written = new Tallies();
  for await (const records of recordsOf(target)) written.add(records.filter(isCopied));
  const wanted = read.all();
  const found = written.all();
  const different = wanted.filter(({ count, digest }, at) => found[at]?.count !== count || found[at]?.digest !== digest).map(({ kind }) => kind);
  if (different.length > 0) {
    throw new CannotRun(
      `After copying, the two differ (${different.join(', ')}): something else wrote meanwhile, or an earlier copy left what is gone by now. ` +
        'The target is not to be used. Stop what uses either, begin with an empty target, and copy again.',
    );
  }
  await to.putFact(COPY_MARK, null);
  return wanted;
}

/** What an interrupted copy has left: rooms with all that is theirs, and facts. */
async function clear(target: ConversationStore): Promise<void> {
  for (const { id } of await target.findRooms({})) await target.deleteRoom(id);
  for (const { key } of (await target.listFacts?.({ prefix: '' })) ?? []) if (!key.startsWith(OWN_FACTS)) await target.putFact?.(key, null);
}

function isCopied(record: StoredRecord): boolean {
  return record.kind !== 'fact' || !record.fact.key.startsWith(OWN_FACTS);
}

async function checkUnused(from: Place, isForced: boolean): Promise<void> {
  const { liveLeases } = await statusOf(from);
  if (liveLeases === 0 || isForced) return;
  throw new CannotRun(
    `Processes are at work on ${withoutPassword(from.text)} (${liveLeases} leases): what they write meanwhile would be lost. ` +
      'Stop them and wait until their leases end (30 seconds unless you have set leaseSeconds), or say --force.',
  );
}

function isSame(one: Place, other: Place): boolean {
  if (one.isUrl !== other.isUrl) return false;
  return one.isUrl ? withoutPassword(one.text) === withoutPassword(other.text) : resolve(one.text) === resolve(other.text);
}

function progress({ kind, count }: Omit<Tally, 'digest'>): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${kind}: ${count} copied\r`);
  else if (count % 50_000 === 0) complain(`${kind}: ${count} copied`);
}

/** Counts and digests, kind by kind. A digest is the sum of those of its records: stores may give them in different orders. */
class Tallies {
  readonly #kinds = new Map<RecordKind, { count: number; sum: bigint }>(RECORD_KINDS.map((kind) => [kind, { count: 0, sum: 0n }]));

  /** Records of one kind; gives how many there were by now. */
  add(records: readonly StoredRecord[]): Omit<Tally, 'digest'> {
    const kind = records[0]?.kind ?? 'fact';
    const tally = this.#kinds.get(kind);
    if (tally === undefined) return { kind, count: 0 };
    for (const record of records) tally.sum += BigInt(`0x${createHash('sha256').update(canonical(record)).digest('hex')}`);
    tally.count += records.length;
    return { kind, count: tally.count };
  }

  all(): Tally[] {
    return [...this.#kinds].map(([kind, { count, sum }]) => ({ kind, count, digest: BigInt.asUintN(256, sum).toString(16).padStart(64, '0') }));
  }
}

/** Two databases may keep the fields of an object in different orders: here they are sorted. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
