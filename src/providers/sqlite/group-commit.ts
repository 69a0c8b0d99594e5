/**
 * Group commit (STO-12): writes that wait at the same moment share one transaction and one fsync, each in its own
 * savepoint, so that a refused one leaves its neighbours alone. A lone write waits for nobody.
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
    const refused: { job: Job; error: unknown }[] = [];
    try {
      this.database.exec('BEGIN IMMEDIATE');
      for (const job of jobs) this.#runJob(job, jobs.length > 1, done, refused);
      this.database.exec('COMMIT');
    } catch (error) {
      this.#rollBack();
      const failure = this.translate(error);
      for (const job of jobs) if (!refused.some((one) => one.job === job)) job.reject(failure);
      for (const { job, error: reason } of refused) job.reject(reason);
      return;
    }
    for (const { written } of done) written.onCommitted?.();
    for (const { job, written } of done) job.resolve(written.value);
    for (const { job, error } of refused) job.reject(error);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.flush();
  }

  #runJob(job: Job, several: boolean, done: { job: Job; written: Written<unknown> }[], refused: { job: Job; error: unknown }[]): void {
    // Also a lone write may be refused half-way: its savepoint takes back what it did.
    this.database.exec('SAVEPOINT one');
    try {
      done.push({ job, written: job.run() });
      this.database.exec('RELEASE one');
    } catch (error) {
      try {
        this.database.exec('ROLLBACK TO one');
        this.database.exec('RELEASE one');
      } catch (inner) {
        throw several ? inner : error; // the transaction itself is gone (a full disk)
      }
      refused.push({ job, error: this.translate(error) });
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
