/** Idempotency keys, and the digests that stand in their place after an erasure (ERA-05). */
import { erasedKey } from '../_shared/erased-key.js';
import { isErasedKey } from './core.js';
import type { Statements } from './statements.js';

export class SqliteKeys {
  /** Whether any key of the file was ever erased; undefined until somebody asks. */
  #anyErased: boolean | undefined;

  constructor(private readonly sql: Statements) {}

  /** What an event may be known by besides its key: where nothing was erased, the key again. A digest costs as much as a look into an index. */
  orErased(key: string): string {
    this.#anyErased ??= this.sql.get("SELECT 1 AS found FROM events WHERE idempotency_key GLOB 'erased:*' LIMIT 1").get() !== undefined;
    return this.#anyErased ? erasedKey(key) : key;
  }

  /** An event has got this key. */
  written(key: string | undefined): void {
    if (key !== undefined && isErasedKey(key)) this.#anyErased = true;
  }
}
