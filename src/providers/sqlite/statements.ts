/** Prepared statements, made once each when they are first used. */
import type { Database } from './database.js';
import { SafeStatement, type Value } from './text.js';

/** Texts of statements are few, because lists travel as one value; filters of `findRooms` vary most. */
const MAX_PREPARED = 500;

export class Statements {
  readonly #prepared = new Map<string, SafeStatement>();

  constructor(private readonly database: Database) {}

  get(sql: string): SafeStatement {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      if (this.#prepared.size >= MAX_PREPARED) this.#prepared.clear();
      const prepared = this.database.prepare(sql);
      this.#prepared.set(sql, (statement = new SafeStatement(prepared)));
      // A write answers with the last row id of the connection, whoever made it; full-text search makes some that no double holds.
      if (!sql.startsWith('SELECT')) prepared.setReadBigInts(true);
    }
    return statement;
  }

  /** The JSON column of all rows, parsed. The table's writer put the type in. */
  models<T>(sql: string, ...values: Value[]): T[] {
    return (this.get(sql).all(...values) as { json: string }[]).map(({ json }) => JSON.parse(json) as T);
  }

  /** The JSON column of the first row, parsed; null without one. */
  model<T>(sql: string, ...values: Value[]): T | null {
    const row = this.get(sql).get(...values) as { json: string } | undefined;
    return row === undefined ? null : (JSON.parse(row.json) as T);
  }
}
