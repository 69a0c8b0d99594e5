/**
 * Group commit (STO-12): writes that wait at the same moment share one transaction and one fsync, each in its own
 * savepoint, so that a refused one leaves its neighbours alone. A lone write waits for nobody, and needs no savepoint.
 */
import type { Database } from './database.js';

/** What a write returns: its value, and what becomes true in memory once it is on disk. */
export interface Written<T> {
  readonly value: T;
  readonly onCommitted?: () => void;
}

interface Job {
  run(): Written<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The transaction is gone, and with it all that its writes have done so far. */
class TransactionLost extends Error {
  constructor(readonly reason: unknown) {
    super('The transaction was rolled back.');
  }
}

export class GroupCommit {
  #waiting: Job[] = [];
  #scheduled = false;
  #lastSize = 1;
  #closed = false;

  constructor(
    private readonly database: Database,
    private readonly translate: (error: unknown) => Error,
    /** Called when the whole transaction was rolled back: what memory holds ahead of the disk is void. */
    private readonly onRolledBack: () => void,
  ) {}

  write<T>(run: () => Written<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      // Each job resolves with what its own `run` gave.
      this.#waiting.push({ run, resolve: resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      // Where many write at once, a moment's patience lets them share a transaction; alone, nobody waits.
      if (this.#lastSize > 1) setImmediate(() => this.flush());
      else queueMicrotask(() => this.flush());
    });
  }

  /** Writes what waits, now. */
  flush(): void {
    this.#scheduled = false;
    const jobs = this.#waiting;
    if (jobs.length === 0) return;
    this.#waiting = [];
    this.#lastSize = jobs.length;
    const done: { job: Job; written: Written<unknown> }[] = [];
    const refused = new Map<Job, unknown>();
    try {
      this.database.exec('BEGIN IMMEDIATE');
      for (const job of jobs) {
        const written = jobs.length === 1 ? this.#runAlone(job) : this.#runJob(job, refused);
        if (written !== undefined) done.push({ job, written });
      }
      this.database.exec('COMMIT');
    } catch (error) {
      this.#rollBack();
      const failure = this.translate(error instanceof TransactionLost ? error.reason : error);
      for (const job of jobs) job.reject(refused.get(job) ?? failure);
      return;
    }
    for (const { written } of done) written.onCommitted?.();
    for (const { job, written } of done) job.resolve(written.value);
    for (const [job, error] of refused) job.reject(error);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.flush();
  }

  /** The transaction is its own: what it did when it was refused half-way goes with it. */
  #runAlone(job: Job): Written<unknown> {
    try {
      return job.run();
    } catch (error) {
      throw new TransactionLost(error);
    }
  }

  /** In a savepoint, so that it can be refused alone. Undefined when it was. */
  #runJob(job: Job, refused: Map<Job, unknown>): Written<unknown> | undefined {
    this.database.exec('SAVEPOINT one');
    try {
      const written = job.run();
      this.database.exec('RELEASE one');
      return written;
    } catch (error) {
      try {
        this.database.exec('ROLLBACK TO one');
        this.database.exec('RELEASE one');
      } catch {
        // SQLite rolls back by itself when the disk is full or fails. What the others wrote is gone too.
        throw new TransactionLost(error);
      }
      refused.set(job, this.translate(error));
      return undefined;
    }
  }

  #rollBack(): void {
    try {
      this.database.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself.
    }
    this.onRolledBack();
  }
}
