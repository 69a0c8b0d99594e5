/** One chaos run: servers, processes, load and faults; then quiet, and what is to be judged. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HTTPReceiver } from 'roomkit/emulators';
import { PostgresStore } from 'roomkit/postgres';
import { Random } from '../crash/random.js';
import { startPostgres } from '../../servers/postgres.js';
import { redisServer } from '../support/redis.js';
import { commit } from './faults.js';
import { judgeMemory, type ChaosReport, type CommittedFault } from './figures.js';
import { Fleet, pause } from './fleet.js';
import { judge } from './judge.js';
import type { Page, Said, Taken } from './ledger.js';
import { SocketPage } from './page.js';
import { planFaults } from './plan.js';
import type { Broken, Client } from './protocol.js';
import { VendorLoad } from './vendor-load.js';

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly rooms: number;
  readonly processes: number;
  /** Messages a second. */
  readonly rate: number;
  readonly redis: boolean;
  readonly broken: Broken | undefined;
  /** What each process runs. */
  readonly program: string;
  /** Where they write. */
  readonly folder: string;
}

const LEASE_SECONDS = 4;
const THINKING_MS = 150;
const ROOMS_PER_PAGE = 5;
/** So many pages show each room, over different processes. */
const PAGES_PER_ROOM = 2;
/** How long everything may take to come to rest, behind the last fault. */
const CALM_MS = 90_000;
const NOTHING_COMES_MS = 10_000;
/** Once everything is there: whether something comes twice. */
const AFTERWARDS_MS = 3000;

export async function chaos(options: ChaosOptions, print: (line: string) => void): Promise<ChaosReport> {
  const { seed, seconds, processes, rate } = options;
  const random = new Random(seed);
  const faults = planFaults({ seed, seconds, leaseSeconds: LEASE_SECONDS, hasRedis: options.redis });
  print(`Starting PostgreSQL${options.redis ? ', Redis' : ''} and ${processes} processes; ${faults.length} faults in ${seconds} s, seed ${seed} …`);
  const postgres = await startPostgres({ fsync: false });
  const redis = options.redis ? await redisServer() : undefined;
  const secret = randomBytes(24).toString('hex');
  const vendor = await HTTPReceiver.start({ secret });
  const fleet = await Fleet.open({
    processes,
    program: options.program,
    folder: options.folder,
    postgres,
    redis,
    order: {
      vendorUrl: vendor.url,
      vendorSecret: secret,
      tokenSecret: randomBytes(32).toString('hex'),
      leaseSeconds: LEASE_SECONDS,
      thinkingMs: THINKING_MS,
      broken: options.broken,
    },
  });
  const rooms = Array.from({ length: options.rooms }, (_, number) => `room-${number}`);
  await fleet.furnish(rooms);
  const clients = clientsOf(rooms);
  const tokens = await fleet.mint(clients);

  const startedAt = performance.now();
  const now = (): number => performance.now() - startedAt;
  const contradictions: string[] = [];
  const anyUrl = (): string => random.pick(fleet.members).url;
  const pages = clients.map(
    (client, at) => new SocketPage({ client, token: tokens[at] ?? '', random, anyUrl, now, fault: (sentence) => contradictions.push(sentence) }),
  );
  const running = pages.map((page) => page.run());
  const taken: Taken[] = [];
  const stopTaking = takeDown(vendor, taken, now);

  // --- load and trouble ------------------------------------------------------------------------------------------------
  const load = new VendorLoad({ secret, random, anyUrl, now });
  const said: Said[] = [];
  const speakers = speakersOf(rooms, pages, load);
  const busy = new Set<string>();
  let gaveUp = false;
  const open = new Set<Promise<void>>();
  const committed: CommittedFault[] = [];
  const troubles = faults.map(async (fault) => {
    await pause(Math.max(0, fault.at - now()));
    const at = now();
    const what = await commit(fault, { fleet, postgres, redis, vendor });
    if (what === undefined) return;
    committed.push({ kind: fault.kind, at, endedAt: now() });
    print(
      `${(at / 1000).toFixed(1).padStart(6)} s  ${fault.kind} (${what}), over after ${((now() - at) / 1000).toFixed(1)} s; ${said.length} said, ${taken.length} taken`,
    );
  });
  let due = 0;
  while (now() < seconds * 1000) {
    for (due += rate / 20; due >= 1; due--) {
      const free = speakers.filter(({ sender }) => !busy.has(sender));
      if (free.length === 0) break; // everybody waits to be heard: no reason to shout
      const speaker = random.pick(free);
      const one: Said = { key: speaker.nextKey(), roomId: speaker.roomId, sender: speaker.sender, over: speaker.over, at: now(), tries: 0 };
      said.push(one);
      busy.add(speaker.sender);
      const saying = speaker
        .say(one, () => gaveUp)
        .finally(() => {
          busy.delete(speaker.sender);
          open.delete(saying);
        });
      open.add(saying);
    }
    await pause(50);
  }
  await Promise.all(troubles);

  // --- calm --------------------------------------------------------------------------------------------------------------
  print(`${(now() / 1000).toFixed(1).padStart(6)} s  calm; ${said.length} said, ${taken.length} taken, ${open.size} wait to be heard`);
  const store = await PostgresStore.open(postgres.url);
  const calmAt = now();
  const notEnded = async (): Promise<number> =>
    (await store.listRows({ state: ['queued', 'sending', 'unknown'], limit: 50 })).length +
    (await store.listTurns({ state: ['queued', 'running'], limit: 50 })).length;
  let before = 0;
  let changedAt = now();
  while (now() - calmAt < CALM_MS) {
    await pause(250);
    if (open.size > 0 || (await notEnded()) > 0) continue;
    if (isShown(said, pages, taken)) break;
    // What was given up never comes: when nothing has come for a while, nothing does.
    const came = taken.length + pages.reduce((sum, page) => sum + page.shownCount, 0);
    if (came !== before || pages.some((page) => !page.isListening)) {
      before = came;
      changedAt = now();
    } else if (now() - changedAt > NOTHING_COMES_MS) break;
  }
  const calmMs = now() - calmAt;
  gaveUp = true;
  await load.settled();
  await pause(AFTERWARDS_MS);

  // --- judgement ---------------------------------------------------------------------------------------------------------
  stopTaking();
  const givenUp = await givenUpBy(store, pages);
  const ledger = { said, taken, pages: pages.flatMap(pagesOf), givenUp };
  contradictions.push(...judge(ledger));
  for (const row of await store.listRows({ state: ['queued', 'sending', 'unknown'], limit: 50 }))
    contradictions.push(
      `${row.roomId}: the delivery of event ${row.eventIndex} over ${row.channelId} is still ${row.state} after ${row.attempts} attempts (row ${row.id}).`,
    );
  for (const row of await store.listRows({ state: ['failed', 'expired', 'cancelled'], limit: 50 }))
    contradictions.push(
      `${row.roomId}: the delivery of event ${row.eventIndex} over ${row.channelId} ended ${row.state}: ${row.lastError?.message ?? 'no reason'}.`,
    );
  for (const turn of await store.listTurns({ state: ['queued', 'running'], limit: 50 }))
    contradictions.push(`${turn.roomId}: the turn of message ${turn.triggerIndex} is still ${turn.state} (turn ${turn.id}).`);
  await dump(options.folder, contradictions, store);
  const deliveries = (await store.listRows({})).length;
  await store.close();
  for (const page of pages) page.close();
  await Promise.all(running);
  await fleet.close();
  contradictions.push(...fleet.faults, ...judgeMemory(fleet));
  const { requests } = vendor;
  await vendor.close();
  await redis?.stop();
  await postgres.remove();
  return {
    options,
    ledger,
    contradictions,
    faults: committed,
    deliveries,
    vendorRequests: requests.length,
    vendorRepeats: requests.length - new Set(requests.map(({ headers }) => headers['idempotency-key'])).size,
    webhooks: load.counts,
    pages: {
      count: pages.length,
      connections: pages.reduce((sum, { counts }) => sum + counts.connections, 0),
      repairs: pages.reduce((sum, { counts }) => sum + counts.repairs, 0),
      unanswered: pages.reduce((sum, { counts }) => sum + counts.unanswered, 0),
      previews: pages.reduce((sum, { counts }) => sum + counts.previews, 0),
    },
    starts: fleet.starts,
    lives: fleet.lives,
    driverCpuMs: (process.cpuUsage().user + process.cpuUsage().system) / 1000,
    calmMs,
  };
}

// --- who speaks and who listens ----------------------------------------------------------------------------------------

interface Speaker {
  readonly sender: string;
  readonly roomId: string;
  readonly over: Said['over'];
  nextKey(): string;
  say(said: Said, stopped: () => boolean): Promise<void>;
}

/** Each room is shown on as many pages, which share no two rooms if they can help it. */
function clientsOf(rooms: readonly string[]): Client[] {
  const clients: Client[] = [];
  for (let copy = 0; copy < PAGES_PER_ROOM; copy++) {
    const count = Math.ceil(rooms.length / ROOMS_PER_PAGE);
    for (let number = 0; number < count; number++) {
      const own = copy === 0 ? rooms.slice(number * ROOMS_PER_PAGE, (number + 1) * ROOMS_PER_PAGE) : rooms.filter((_, at) => at % count === number);
      clients.push({ participantId: `page-${copy}-${number}`, rooms: own });
    }
  }
  return clients;
}

function speakersOf(rooms: readonly string[], pages: readonly SocketPage[], load: VendorLoad): Speaker[] {
  return rooms.flatMap((roomId, number): Speaker[] => {
    let count = 0;
    const page = pages.find((one) => one.rooms.has(roomId));
    const overVendor: Speaker = {
      sender: `the customer of ${roomId}`,
      roomId,
      over: 'vendor',
      nextKey: () => `v${number}.${++count}`,
      say: (said, stopped) => load.say(said, stopped),
    };
    if (page === undefined) return [overVendor];
    return [
      overVendor,
      {
        sender: `the page of ${roomId}`,
        roomId,
        over: 'socket',
        nextKey: () => `s${number}.${++count}`,
        say: (said, stopped) => page.say(said, stopped),
      },
    ];
  });
}

// --- ledgers -----------------------------------------------------------------------------------------------------------

/** Writes down when each message comes to the vendor; what it has seen before, it takes once. */
function takeDown(vendor: HTTPReceiver, taken: Taken[], now: () => number): () => void {
  let isOver = false;
  const look = (): void => {
    for (const { document, recipientId, text, id } of vendor.messages.slice(taken.length))
      taken.push({ key: id, roomId: String(document['room_id']), eventId: String(document['event_id']), recipientId, text, at: now() });
  };
  const timer = setInterval(() => {
    look();
    if (isOver) clearInterval(timer);
  }, 10);
  return () => {
    look();
    isOver = true;
  };
}

function pagesOf(page: SocketPage): Page[] {
  return [...page.rooms].map(([roomId, { shown }]) => ({ participantId: page.participantId, roomId, shown }));
}

/** Whether everything has come wherever it was to come, so that waiting can end. */
function isShown(said: readonly Said[], pages: readonly SocketPage[], taken: readonly Taken[]): boolean {
  const expected = new Map<string, number>();
  for (const { roomId } of said) expected.set(roomId, (expected.get(roomId) ?? 0) + 2);
  for (const page of pages) for (const [roomId, { shown }] of page.rooms) if (shown.length < (expected.get(roomId) ?? 0)) return false;
  return taken.length >= said.length + said.filter(({ over }) => over === 'socket').length;
}

/** What the store holds of rooms that contradict: for whoever looks for the cause. */
async function dump(folder: string, contradictions: readonly string[], store: PostgresStore): Promise<void> {
  const rooms = new Set(contradictions.flatMap((sentence) => /^(room-\d+):/.exec(sentence)?.[1] ?? []));
  for (const roomId of [...rooms].slice(0, 20)) {
    const [events, turns, rows] = [await store.listEvents(roomId), await store.listTurns({ roomId }), await store.listRows({ roomId })];
    writeFileSync(join(folder, `${roomId}.json`), JSON.stringify({ events, turns, rows }, null, 1));
  }
}

/**
 * The one thing that is read from the store: nobody answers what has crashed twice, which is not tried a third time (TURN-03), nor what was not
 * answered within its five minutes (TURN-05).
 */
async function givenUpBy(store: PostgresStore, pages: readonly SocketPage[]): Promise<ReadonlySet<string>> {
  const texts = new Map(
    pages.flatMap((page) => [...page.rooms.values()].flatMap(({ shown }) => shown.map(({ eventId, text }) => [eventId, text] as const))),
  );
  const ended = await store.listTurns({ state: ['failed', 'expired'] });
  return new Set(
    ended
      .filter(({ state, error, attempts }) => state === 'expired' || (error?.code === 'crashed' && attempts >= 2))
      .flatMap(({ triggerEventIds }) => triggerEventIds.map((id) => texts.get(id) ?? id)),
  );
}
