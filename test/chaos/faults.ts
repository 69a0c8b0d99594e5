/** Does what the plan says, to processes, servers and lines. */
import pg from 'pg';
import type { HTTPReceiver } from 'roomkit/emulators';
import type { OwnPostgres } from '../../servers/postgres.js';
import type { RedisServer } from '../support/redis.js';
import { pause, type Fleet, type Member } from './fleet.js';
import type { PlannedFault } from './plan.js';

export interface World {
  readonly fleet: Fleet;
  readonly postgres: OwnPostgres;
  readonly redis: RedisServer | undefined;
  readonly vendor: HTTPReceiver;
}

/** Resolves when it is over; with what it was done to, or undefined when there was nothing to do it to. */
export async function commit(fault: PlannedFault, { fleet, postgres, redis, vendor }: World): Promise<string | undefined> {
  const { kind, lastsMs } = fault;
  switch (kind) {
    case 'kill':
      return withMember(fault, fleet, async (member) => {
        await member.kill();
        await pause(lastsMs);
        await member.start();
      });
    case 'freeze':
      return withMember(fault, fleet, async (member) => {
        member.freeze();
        await pause(lastsMs);
        member.thaw();
      });
    case 'cut':
      return withMember(fault, fleet, async ({ lines }) => {
        lines.postgres.cut();
        lines.redis?.cut();
      });
    case 'partition': {
      // From both servers, or from one of them.
      const which = Math.floor(fault.pick * 1000) % 3;
      return withMember(fault, fleet, async ({ lines }) => {
        const stalled = [which === 1 ? undefined : lines.postgres, which === 2 ? undefined : lines.redis];
        for (const line of stalled) line?.stall();
        await pause(lastsMs);
        for (const line of stalled) line?.resume();
      });
    }
    case 'terminate_backends':
      await terminateBackends(postgres.url);
      return 'PostgreSQL';
    case 'postgres_restart':
    case 'postgres_crash':
      return once('postgres', async () => {
        await (kind === 'postgres_crash' ? postgres.crash() : postgres.stop());
        await pause(lastsMs);
        await postgres.start();
        return 'PostgreSQL';
      });
    case 'redis_restart':
      return once('redis', async () => {
        await redis?.kill();
        await pause(lastsMs);
        await redis?.start();
        return 'Redis';
      });
    case 'rolling_restart':
      return once('rolling', async () => {
        for (const member of fleet.members) {
          while (member.isBusy) await pause(50);
          member.isBusy = true;
          await member.terminate();
          await member.start();
          member.isBusy = false;
        }
        return 'all processes';
      });
    case 'vendor_trouble':
      vendor.fail({ status: 503, times: 4 });
      vendor.fail({ cuts: true, times: 4 });
      vendor.fail({ delayMs: 2000, times: 2 });
      return 'the vendor';
  }
}

const underWay = new Set<string>();

/** What it is done to can bear it once at a time. */
async function once(what: string, run: () => Promise<string>): Promise<string | undefined> {
  if (underWay.has(what)) return undefined;
  underWay.add(what);
  try {
    return await run();
  } finally {
    underWay.delete(what);
  }
}

async function withMember({ pick, sparesFirst }: PlannedFault, fleet: Fleet, run: (member: Member) => Promise<void>): Promise<string | undefined> {
  const free = fleet.members.filter(({ isBusy, number }) => !isBusy && !(sparesFirst && number === 0));
  const member = free[Math.floor(pick * free.length)];
  if (member === undefined) return undefined;
  member.isBusy = true;
  try {
    await run(member);
  } finally {
    member.isBusy = false;
  }
  return `process ${member.number}`;
}

/** Half of what the processes hold open. */
async function terminateBackends(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = $1 AND pid % 2 = 0', [
      'client backend',
    ]);
  } catch {
    // The server is away: so are the connections.
  } finally {
    await client.end().catch(() => undefined);
  }
}
