/** Every statement that any promise of the store needs finds its rows by an index: what is old or of others costs nothing. */
import { expect, it } from 'vitest';
import { inspect, newPath, openStore, watchStatements } from '../../../test/support/sqlite.js';
import { verifies } from '../../../test/requirements.js';
import { storeContract } from '../../testing/index.js';

/** A list that came with the query; metadata of a room; words and row ids of the text index; what is open just now. */
const IS_SHORT =
  /^SCAN (json_each|entry|CONSTANT ROW|event_text VIRTUAL TABLE INDEX \d+:(=|M\d)|(outbox|turns) USING INDEX (outbox|turns)_open$|approvals USING (COVERING )?INDEX approvals_pending$|tasks USING INDEX tasks_due$)/;
/** Lists without a room, which people ask for: they go by the order they are wanted in, and end at their limit; sums of all that was ever used. */
const ASKS_FOR_ALL =
  /^SELECT (agent_id AS agent, [^?]*GROUP BY [^?]*$|json FROM (outbox|turns) +(WHERE (channel_id = \?|state IN \(SELECT value FROM json_each\(\?\)\)) )?ORDER BY room_id|json FROM approvals .*ORDER BY expires_at, id|rooms\.json)/;

/** A page of all that is stored (STO-20): it begins where the one before ended, in the order of the table. */
const READS_RECORDS = / AS key0\b.* LIMIT \?$/;

it('SqliteStore reads no table from end to end', async () => {
  verifies('STO-09');
  const statements = new Set<string>();
  for (const one of storeContract) {
    await one.run(async () => {
      const store = await openStore(':memory:');
      watchStatements(store, (sql) => statements.add(sql));
      return store;
    });
  }
  expect(statements.size).toBeGreaterThan(80);
  const path = newPath();
  (await openStore(path)).close();
  const found: string[] = [];
  await inspect(path, (database) => {
    for (const sql of statements)
      for (const { detail } of database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[])
        if (
          detail.startsWith('SCAN') &&
          !READS_RECORDS.test(sql) &&
          !IS_SHORT.test(detail) &&
          !(ASKS_FOR_ALL.test(sql) && detail.includes('USING INDEX'))
        )
          found.push(`${detail}: ${sql}`);
  });
  expect(found, 'statements that read a whole table').toEqual([]);
});
