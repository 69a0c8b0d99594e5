/**
 * Group commit (STO-12): writes that wait at the same moment share one transaction and one fsync. Hardly ever is one refused;
 * then all are run once more, each in its own savepoint, so that it leaves its neighbours alone. A lone write waits for nobody.
 */
import type { Database } from './database.js';
import type { Transaction } from './transaction.js';

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

interface Done {
  readonly job: Job;
  readonly written: Written<unknown>;
}

const NOW: Promise<void> = Promise.resolve();
const NOBODY: ReadonlyMap<Job, unknown> = new Map();

/** A write was refused, and what its neighbours did goes with it. */
class Refused extends Error {
  constructor(readonly reason: unknown) {
    super('A write was refused.');
  }
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
    private readonly transaction: Transaction,
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
      else void NOW.then(() => this.flush()); // for `queueMicrotask` Node would enter an asynchronous resource of its own
    });
  }

  /** Writes what waits, now. */
  flush(): void {
    this.#scheduled = false;
    const jobs = this.#waiting;
    if (jobs.length === 0) return;
    this.#waiting = [];
    this.#lastSize = jobs.length;
    try {
      this.#settle(this.#together(jobs), NOBODY);
    } catch (error) {
      this.#rollBack();
      if (error instanceof Refused && jobs.length > 1) this.#apart(jobs);
      else this.#fail(jobs, error instanceof Refused ? error.reason : error, NOBODY);
    }
  }

  /** A transaction of its own, at once. */
  now(run: () => void): void {
    try {
      this.transaction.begin();
      run();
      this.transaction.commit();
    } catch (error) {
      this.#rollBack();
      throw this.translate(error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.flush();
  }

  /**
   * All of them, trusting that none will be refused: savepoints would make the full-text index write each text by itself. Throws
   * {@link Refused} when one is.
   */
  #together(jobs: readonly Job[]): Done[] {
    this.transaction.begin();
    const done = jobs.map((job) => {
      try {
        return { job, written: job.run() };
      } catch (error) {
        throw new Refused(error);
      }
    });
    this.transaction.commit();
    return done;
  }

  /** One of them is going to be refused: once more, each in a savepoint of its own. */
  #apart(jobs: readonly Job[]): void {
    const refused = new Map<Job, unknown>();
    const done: Done[] = [];
    try {
      this.transaction.begin();
      for (const job of jobs) {
        const written = this.#runJob(job, refused);
        if (written !== undefined) done.push({ job, written });
      }
      this.transaction.commit();
    } catch (error) {
      this.#rollBack();
      this.#fail(jobs, error instanceof TransactionLost ? error.reason : error, refused);
      return;
    }
    this.#settle(done, refused);
  }

  #settle(done: readonly Done[], refused: ReadonlyMap<Job, unknown>): void {
    for (const { written } of done) written.onCommitted?.();
    for (const { job, written } of done) job.resolve(written.value);
    for (const [job, error] of refused) job.reject(error);
  }

  #fail(jobs: readonly Job[], error: unknown, refused: ReadonlyMap<Job, unknown>): void {
    const failure = this.translate(error);
    for (const job of jobs) job.reject(refused.get(job) ?? failure);
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
    this.transaction.rollBack();
    this.onRolledBack();
  }
}
