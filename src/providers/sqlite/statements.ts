/** Prepared statements, made once each when they are first used. */
import type { Database, Statement } from './database.js';

/** Texts of statements are few, because lists travel as one value ({@link IN_LIST}); filters of `findRooms` vary most. */
const MAX_PREPARED = 500;

/** `column ${IN_LIST}` takes a JSON array, so that its length does not make another statement. */
export const IN_LIST = 'IN (SELECT value FROM json_each(?))';

export class Statements {
  readonly #prepared = new Map<string, Statement>();

  constructor(private readonly database: Database) {}

  get(sql: string): Statement {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      if (this.#prepared.size >= MAX_PREPARED) this.#prepared.clear();
      this.#prepared.set(sql, (statement = this.database.prepare(sql)));
      // A write answers with the last row id of the connection, whoever made it; full-text search makes some that no double holds.
      if (!sql.startsWith('SELECT')) statement.setReadBigInts(true);
    }
    return statement;
  }

  /** The JSON column of all rows, parsed. The table's writer put the type in. */
  models<T>(sql: string, ...values: (string | number | null)[]): T[] {
    return (this.get(sql).all(...values) as { json: string }[]).map(({ json }) => JSON.parse(json) as T);
  }

  /** The JSON column of the first row, parsed; null without one. */
  model<T>(sql: string, ...values: (string | number | null)[]): T | null {
    const row = this.get(sql).get(...values) as { json: string } | undefined;
    return row === undefined ? null : (JSON.parse(row.json) as T);
  }
}
