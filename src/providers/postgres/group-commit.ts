/**
 * Group commit (STO-12): commits that would wait for a connection share a statement, and with it a transaction and a wait for the disk.
 * Hardly ever is one refused; then each is run by itself, so that it leaves its neighbours alone. A lone commit waits for nobody.
 */
import { Deadlines } from '../../core/async/deadlines.js';
import { NotConnected, type Connections, type Row } from './connection.js';
import { SystemClock } from './core.js';
import { isConnectionLost, storeError, wasRolledBack } from './errors.js';
import type { Value } from './text.js';

/** So many are under way at once, or half of the connections; what comes meanwhile waits for the first of them, and goes together. */
const MOST_AT_ONCE = 4;
/** So many share a statement at most: each has parameters of its own. */
const MOST_TOGETHER = 16;
/** A room that somebody else holds may keep others waiting for so long: its neighbours in a statement, and those who wait for one to end. */
const PATIENCE_MS = 100;

interface Job {
  readonly roomId: string;
  readonly values: readonly Value[];
  resolve(row: Promise<Row | undefined> | Row | undefined): void;
  reject(error: unknown): void;
}

export class GroupCommit {
  readonly #waiting: Job[] = [];
  readonly #texts: string[] = [];
  readonly #mostAtOnce: number;
  /** One timer for all of them: adding and cancelling touch none. */
  readonly #deadlines = new Deadlines(new SystemClock());
  #underWay = 0;

  /** Calls a function of the server that takes so many parameters, and answers with one row. */
  constructor(
    private readonly connections: Connections,
    private readonly call: string,
    private readonly parameters: readonly string[],
  ) {
    this.#mostAtOnce = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(connections.config.max / 2)));
  }

  /** What the function answers. */
  run(roomId: string, values: readonly Value[]): Promise<Row | undefined> {
    if (this.#underWay < this.#mostAtOnce) return this.#counted(() => this.alone(values));
    return new Promise((resolve, reject) => void this.#waiting.push({ roomId, values, resolve, reject }));
  }

  /** The same for what takes its time, or more rooms than its own. */
  async alone(values: readonly Value[]): Promise<Row | undefined> {
    return (await this.connections.all(this.#text(1), ...values))[0];
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    let isCounted = true;
    const letNext = (): void => {
      if (!isCounted) return;
      isCounted = false;
      this.#underWay--;
      this.#next();
    };
    this.#underWay++;
    const patience = this.#deadlines.add(PATIENCE_MS, letNext);
    try {
      return await work();
    } finally {
      patience.cancel();
      letNext();
    }
  }

  #next(): void {
    const jobs = this.#waiting.splice(0, MOST_TOGETHER);
    if (jobs.length === 0) return;
    void this.#counted(() => this.#together(jobs));
  }

  /** Never rejects: each job is told for itself. */
  async #together(jobs: Job[]): Promise<void> {
    // All processes take the rooms in one order, so that none of them waits for another in a circle.
    jobs.sort((a, b) => (a.roomId < b.roomId ? -1 : a.roomId > b.roomId ? 1 : 0));
    try {
      const rows = await this.connections.once(this.#text(jobs.length), ...jobs.flatMap(({ values }) => values));
      for (const [n, job] of jobs.entries()) job.resolve(rows[n]);
    } catch (error) {
      const isUnknown = !(error instanceof NotConnected) && isConnectionLost(error) && !wasRolledBack(error);
      for (const job of jobs) {
        if (isUnknown) job.reject(storeError(error, this.connections.place));
        else job.resolve(this.alone(job.values)); // nothing of it was stored
      }
    }
  }

  /** So many calls as one statement, in this order. */
  #text(calls: number): string {
    return (this.#texts[calls] ??= this.#make(calls));
  }

  #make(calls: number): string {
    const { call, parameters } = this;
    const values = (n: number): string[] => parameters.map((type, at) => `$${n * parameters.length + at + 1}${type}`);
    if (calls === 1) return `SELECT * FROM ${call}(${values(0).join(', ')})`;
    const all = Array.from({ length: calls }, (_, n) => `SELECT called.* FROM ${call}(${values(n).join(', ')}) AS called`);
    const [first, ...others] = values(0);
    // It depends on the patience, which is so set before anything is called.
    const impatient = `${call}(${[`CASE WHEN patience IS NOT NULL THEN ${first} END`, ...others].join(', ')})`;
    all[0] = `SELECT called.* FROM set_config('lock_timeout', '${PATIENCE_MS}ms', true) AS patience CROSS JOIN LATERAL ${impatient} AS called`;
    return all.join(' UNION ALL ');
  }
}
