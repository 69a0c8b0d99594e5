/** Where the session of a linked WhatsApp is kept (WP-05). */

/**
 * A store of the operator's choice. What it is given are the keys of somebody's account: whoever reads them reads along and writes
 * in their name. It has to encrypt what it keeps; {@link FileWhatsAppSession} does.
 */
export interface WhatsAppSessionStore {
  /** The bytes; undefined when there are none under this key. Rejects when they cannot be read: a session is never begun anew unasked. */
  load(key: string): Promise<Uint8Array | undefined>;
  /** Resolves when the bytes are kept for good: a message is acknowledged after that. */
  save(key: string, bytes: Uint8Array): Promise<void>;
  /** An unknown key changes nothing. */
  remove(key: string): Promise<void>;
  /** Forgets all of it. */
  clear(): Promise<void>;
}
