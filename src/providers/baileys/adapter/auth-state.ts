/** The session as baileys wants it, over the operator's store. */
import type { AuthenticationCreds, AuthenticationState, SignalDataSet, SignalDataTypeMap } from 'baileys';
import { RoomKitError } from '../../../core/errors.js';
import type { WhatsAppSessionStore } from '../session/store.js';
import type { BaileysModule } from './library.js';

/** A session that has been read. */
export interface SessionState {
  readonly state: AuthenticationState;
  /** An account is linked. */
  readonly isLinked: boolean;
  /** Keeps what has changed of the account. */
  saveCreds(): void;
  /** Resolves when all of that is kept; rejects when it could not be. */
  saved(): Promise<void>;
}

const CREDS = 'creds';
/** Linking brings hundreds of keys at once. */
const MOST_AT_ONCE = 16;

export async function sessionState(
  { initAuthCreds, BufferJSON, proto }: Pick<BaileysModule, 'initAuthCreds' | 'BufferJSON' | 'proto'>,
  store: WhatsAppSessionStore,
): Promise<SessionState> {
  const read = async (key: string): Promise<unknown> => {
    const bytes = await store.load(key);
    if (bytes === undefined) return undefined;
    try {
      return JSON.parse(new TextDecoder().decode(bytes), BufferJSON.reviver) as unknown;
    } catch {
      // The words of the parser would show what stands there.
      throw new RoomKitError(
        'whatsapp_session_damaged',
        'An entry of the session is no JSON. Put the session back from a copy, or link the account anew.',
      );
    }
  };
  const write = (key: string, value: unknown): Promise<void> => store.save(key, new TextEncoder().encode(JSON.stringify(value, BufferJSON.replacer)));

  const kept = (await read(CREDS)) as AuthenticationCreds | undefined; // written here, by the same types
  const creds = kept ?? initAuthCreds();
  const isLinked = creds.account !== undefined;
  // A pairing that nobody has finished: with it WhatsApp would take this for a device that was thrown out.
  if (!isLinked) {
    delete creds.me;
    creds.pairingCode = undefined;
  }
  let saving: Promise<void> = Promise.resolve();
  return {
    isLinked,
    state: {
      creds,
      keys: {
        get: async <T extends keyof SignalDataTypeMap>(type: T, ids: string[]) => {
          const found: Record<string, SignalDataTypeMap[T]> = {};
          await inTurns(ids, async (id) => {
            const value = await read(`${type}-${id}`);
            if (value === undefined || value === null) return;
            const revived = type === 'app-state-sync-key' ? proto.Message.AppStateSyncKeyData.fromObject(value) : value;
            found[id] = revived as SignalDataTypeMap[T]; // written below, by the same types
          });
          return found;
        },
        // Baileys waits for this before it acknowledges a message: what it needs to read the next is then kept.
        set: async (data: SignalDataSet) => {
          const entries = Object.entries(data).flatMap(([type, values]) =>
            Object.entries(values ?? {}).map(([id, value]) => [`${type}-${id}`, value] as const),
          );
          await inTurns(entries, ([key, value]) => (value === null || value === undefined ? store.remove(key) : write(key, value)));
        },
        clear: () => store.clear(),
      },
    },
    saveCreds: () => {
      // What is written is what stands there when its turn comes.
      saving = saving.catch(() => undefined).then(() => write(CREDS, creds));
      saving.catch(() => undefined); // told by saved()
    },
    saved: () => saving,
  };
}

/** So many at a time. */
async function inTurns<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const next = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, items.length) }, next));
}
