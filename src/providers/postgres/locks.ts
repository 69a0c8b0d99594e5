/** `PostgresLockManager`: the lock of rooms for many processes, as leases in a table (LOCK-01, LOCK-04). */
import { LeasedLocks, type LeaseBackend } from '../../core/locks/leased-locks.js';
import { checkedConfig, type PostgresOptions } from './config.js';
import { Connections, type Row } from './connection.js';
import { StderrLogger, SystemClock, type Clock, type Logger } from './core.js';
import { channelName, Listener } from './listener.js';
import { decodeText } from './text.js';

/** Where the leases are, and how long they last. */
export interface PostgresLockOptions extends PostgresOptions {
  /** How long a dead holder keeps a room; renewed at a third of it. Default 30. */
  readonly leaseSeconds?: number;
  /** For tests. Default: the machine's. */
  readonly clock?: Clock;
  /** Default: warnings and errors on stderr. */
  readonly logger?: Logger;
}

/** Whoever waits is told when the room is free; should that be lost, it asks again this soon. */
const ASK_AGAIN_MS = 1_000;
const FREED = 'leases';

/**
 * Lets one of many processes at a time grow a room. Open it with {@link PostgresLockManager.open}.
 * @example const lockManager = await PostgresLockManager.open('postgres://localhost/app')
 */
export class PostgresLockManager extends LeasedLocks {
  /** Connects, and brings the schema to this version. Throws RoomKitErrors that say how to mend it. */
  static async open(options: PostgresLockOptions | string = {}): Promise<PostgresLockManager> {
    const {
      clock = new SystemClock(),
      logger = new StderrLogger(),
      leaseSeconds,
      ...others
    } = typeof options === 'string' ? { url: options } : options;
    const connections = await Connections.start(checkedConfig(others, process.env), 'PostgresLockManager');
    const leases = new PostgresLeases(connections, clock, logger);
    try {
      await leases.start();
    } catch (error) {
      await leases.close();
      throw error;
    }
    return new PostgresLockManager(leases, { clock, logger, ...(leaseSeconds !== undefined && { leaseSeconds }) });
  }
}

class PostgresLeases implements LeaseBackend {
  readonly #watchers = new Map<string, Set<() => void>>();
  /** Rooms that are being asked for: one that is freed meanwhile may be told of before the answer is here. */
  readonly #asking = new Map<string, { wasFreed: boolean }>();
  readonly #listener: Listener;
  readonly #channel: string;

  constructor(
    private readonly connections: Connections,
    clock: Clock,
    logger: Logger,
  ) {
    const { config, place } = connections;
    this.#channel = channelName(config.schema, FREED);
    this.#listener = new Listener({
      config,
      place,
      feature: 'PostgresLockManager',
      clock,
      logger,
      onNotice: (_channel, payload) => this.#wake(decodeText(payload)),
      onAgain: () => {
        for (const roomId of [...this.#asking.keys(), ...this.#watchers.keys()]) this.#wake(roomId);
      },
    });
  }

  async start(): Promise<void> {
    await this.#listener.listen(this.#channel);
    await this.#listener.start();
  }

  async take(roomId: string, leaseMs: number): Promise<{ token: number } | { askAgainInMs: number }> {
    const asking = { wasFreed: false };
    this.#asking.set(roomId, asking);
    let row: Row | undefined;
    try {
      [row] = await this.connections.all('SELECT taken, wait FROM @take_lease($1, $2)', roomId, leaseMs);
    } finally {
      if (this.#asking.get(roomId) === asking) this.#asking.delete(roomId);
    }
    const taken = row?.['taken'];
    if (typeof taken === 'number') return { token: taken };
    if (asking.wasFreed) return { askAgainInMs: 0 };
    return { askAgainInMs: Math.max(1, Math.min(Math.ceil(Number(row?.['wait'] ?? ASK_AGAIN_MS)), ASK_AGAIN_MS)) };
  }

  async renew(roomId: string, token: number, leaseMs: number): Promise<boolean> {
    const rows = await this.connections.read(
      `UPDATE @leases SET until = clock_timestamp() + $3 * interval '1 millisecond' WHERE room_id = $1 AND token = $2 AND until > clock_timestamp() RETURNING 1`,
      roomId,
      token,
      leaseMs,
    );
    return rows.length > 0;
  }

  async release(roomId: string, token: number): Promise<void> {
    // Nobody is told unless somebody waits: transactions with notices are committed one after another. Nor does anybody wait for the
    // disk: should the server forget it in a crash, the lease ends by itself.
    await this.connections.read(
      `WITH freed AS (UPDATE @leases SET until = '-infinity' WHERE room_id = $1 AND token = $2 RETURNING waited)
       SELECT set_config('synchronous_commit', 'off', true), (SELECT pg_notify($3, $4) FROM freed WHERE waited)`,
      roomId,
      token,
      this.#channel,
      roomId,
    );
  }

  watch(roomId: string, onFree: () => void): () => void {
    let watchers = this.#watchers.get(roomId);
    if (watchers === undefined) this.#watchers.set(roomId, (watchers = new Set()));
    const own = watchers;
    own.add(onFree);
    return () => {
      own.delete(onFree);
      if (own.size === 0 && this.#watchers.get(roomId) === own) this.#watchers.delete(roomId);
    };
  }

  async close(): Promise<void> {
    await this.#listener.close();
    await this.connections.close();
  }

  #wake(roomId: string): void {
    const asking = this.#asking.get(roomId);
    if (asking !== undefined) asking.wasFreed = true;
    for (const onFree of [...(this.#watchers.get(roomId) ?? [])]) onFree();
  }
}
