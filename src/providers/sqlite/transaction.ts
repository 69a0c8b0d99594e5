/** Begins and ends transactions by statements that are prepared once: a lone message would pay for their text twice. */
import type { Database, Statement } from './database.js';

export class Transaction {
  #begin: Statement | undefined;
  #commit: Statement | undefined;

  constructor(private readonly database: Database) {}

  begin(): void {
    this.#begin ??= this.#prepare('BEGIN IMMEDIATE');
    this.#begin.run();
  }

  commit(): void {
    this.#commit ??= this.#prepare('COMMIT');
    this.#commit.run();
  }

  rollBack(): void {
    try {
      this.database.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself.
    }
  }

  #prepare(sql: string): Statement {
    const statement = this.database.prepare(sql);
    statement.setReadBigInts(true); // it answers with the last row id, which may be one that no double holds (see Statements)
    return statement;
  }
}
