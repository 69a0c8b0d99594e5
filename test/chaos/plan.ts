/** Which faults come when: decided by the seed before anything runs. */
import { Random } from '../crash/random.js';

export const FAULTS = [
  'kill',
  'freeze',
  'cut',
  'partition',
  'terminate_backends',
  'postgres_restart',
  'postgres_crash',
  'redis_restart',
  'rolling_restart',
  'vendor_trouble',
] as const;
export type FaultKind = (typeof FAULTS)[number];

export interface PlannedFault {
  readonly kind: FaultKind;
  /** Milliseconds since the load began. */
  readonly at: number;
  /** Which process, of those that nothing else is done to. */
  readonly pick: number;
  /** For how long something is away. */
  readonly lastsMs: number;
  /** Not to be done to the first process, which lives for some rounds, so that its memory can be watched. */
  readonly sparesFirst: boolean;
}

export interface PlanOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly leaseSeconds: number;
  readonly hasRedis: boolean;
}

/** Before the first, while everything is well; and behind the last, so that what it does is seen. */
const QUIET_MS = 4000;

/** All processes are restarted in the first round, and in every so many rounds. */
const ROLLING_EVERY = 8;

/**
 * Every kind comes once in a round, in which nothing comes again but killing and freezing, the commonest, which come twice. Rounds
 * without a rolling restart leave the first process alive.
 */
export function planFaults({ seed, seconds, leaseSeconds, hasRedis }: PlanOptions): readonly PlannedFault[] {
  const random = new Random(seed);
  const faults: PlannedFault[] = [];
  const kinds: readonly FaultKind[] = [...FAULTS, 'kill', 'freeze'];
  let round: FaultKind[] = [];
  let rounds = 0;
  for (let at = QUIET_MS; at < seconds * 1000 - QUIET_MS; at += random.between(2000, 5000)) {
    if (round.length === 0) {
      const isRolling = rounds++ % ROLLING_EVERY === 0;
      const own = kinds.filter((kind) => (hasRedis || kind !== 'redis_restart') && (isRolling || kind !== 'rolling_restart'));
      round = shuffled(own, random);
    }
    const kind = round.pop() ?? 'kill';
    const sparesFirst = kind === 'kill' && rounds % ROLLING_EVERY !== 1;
    faults.push({ kind, at, pick: random.next(), lastsMs: lastsMs(kind, leaseSeconds * 1000, random), sparesFirst });
  }
  return faults;
}

function lastsMs(kind: FaultKind, leaseMs: number, random: Random): number {
  switch (kind) {
    case 'kill':
      return random.between(100, 2000);
    case 'freeze':
    case 'partition':
      return leaseMs + random.between(500, 3000);
    case 'postgres_restart':
    case 'postgres_crash':
    case 'redis_restart':
      return random.between(100, 1500);
    case 'cut':
    case 'terminate_backends':
    case 'rolling_restart':
    case 'vendor_trouble':
      return 0;
  }
}

function shuffled<T>(from: readonly T[], random: Random): T[] {
  const all = [...from];
  for (let at = all.length - 1; at > 0; at--) {
    const other = random.between(0, at);
    [all[at], all[other]] = [all[other] as T, all[at] as T]; // both are there
  }
  return all;
}
