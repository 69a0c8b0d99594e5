/** A session in a folder, encrypted. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RoomKitError, ValidationError } from '../../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../../core/option-names.js';
import type { Secret } from '../../../core/telemetry/secret.js';
import { Seal, sealingKey } from './seal.js';
import type { WhatsAppSessionStore } from './store.js';

/** What {@link FileWhatsAppSession} is made with. */
export interface FileWhatsAppSessionOptions {
  /** The folder; made when it is not there. One for each account. */
  readonly directory: string;
  /** 32 bytes, as they are, in base64 or in hexadecimal digits. Default: the environment variable `WHATSAPP_SESSION_KEY`. */
  readonly key?: string | Uint8Array | Secret;
}

const FEATURE = 'FileWhatsAppSession';
const VARIABLE = 'WHATSAPP_SESSION_KEY';
const NAMES: OptionNames<FileWhatsAppSessionOptions> = { directory: true, key: true };
/** Tells whether the key is the one that the folder was begun with. */
const CHECK = 'session.check';
const SEALED = '.sealed';
const BEGUN = '.begun';

/**
 * Keeps a session in a folder: every entry in a file of its own, sealed with AES-256-GCM, under a name that says nothing, readable by this
 * user alone, written whole or not at all. With another key than before it refuses, and removes nothing.
 * @example new FileWhatsAppSession({ directory: './whatsapp' }) // and WHATSAPP_SESSION_KEY in the environment
 */
export class FileWhatsAppSession implements WhatsAppSessionStore {
  readonly directory: string;
  readonly #seal: Seal;
  #ready: Promise<void> | undefined;
  /** Name → the newest that was done to it: what is saved later is there in the end. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(options: FileWhatsAppSessionOptions) {
    checkOptionNames(`new ${FEATURE}`, options ?? {}, NAMES);
    if (typeof options?.directory !== 'string' || options.directory === '')
      throw new ValidationError(`${FEATURE} has no directory. Pass { directory: './whatsapp' }, a folder for this account alone.`);
    this.directory = options.directory;
    this.#seal = new Seal(sealingKey(FEATURE, VARIABLE, options.key));
  }

  load(key: string): Promise<Uint8Array | undefined> {
    const name = this.#seal.nameOf(key);
    return this.#then(name, async () => {
      const sealed = await readOrNothing(join(this.directory, `${name}${SEALED}`));
      if (sealed === undefined) return undefined;
      const bytes = this.#seal.open(name, sealed);
      if (bytes !== undefined) return bytes;
      throw new RoomKitError(
        'whatsapp_session_damaged',
        `A file of the session in '${this.directory}' was changed or is broken. Put the folder back from a copy, or forget the session and link the account anew.`,
      );
    });
  }

  save(key: string, bytes: Uint8Array): Promise<void> {
    const name = this.#seal.nameOf(key);
    return this.#then(name, () => this.#write(`${name}${SEALED}`, this.#seal.close(name, bytes)));
  }

  remove(key: string): Promise<void> {
    const name = this.#seal.nameOf(key);
    return this.#then(name, () => unlinkIfThere(join(this.directory, `${name}${SEALED}`)));
  }

  /** Also with a key that does not fit: whoever has lost it must be able to begin anew. */
  async clear(): Promise<void> {
    await Promise.allSettled(this.#last.values());
    this.#ready = undefined;
    const names = await readdir(this.directory).catch(() => []);
    // The check goes last: a folder without one is one that nothing is in.
    const own = names.filter((name) => name.endsWith(SEALED) || name.endsWith(BEGUN));
    await Promise.all(own.map((name) => unlinkIfThere(join(this.directory, name))));
    await unlinkIfThere(join(this.directory, CHECK));
  }

  async #then<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#ready ??= this.#open();
    const before = this.#last.get(name);
    const mine = Promise.all([this.#ready, before?.catch(() => undefined)]).then(work);
    this.#last.set(name, mine);
    try {
      return await mine;
    } catch (error) {
      if (this.#ready !== undefined) await this.#ready.catch(() => (this.#ready = undefined)); // asked again the next time
      throw error;
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }

  /** Looks whether the key fits; makes the folder where there is none. */
  async #open(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const names = await readdir(this.directory);
    await Promise.all(names.filter((name) => name.endsWith(BEGUN)).map((name) => unlinkIfThere(join(this.directory, name))));
    const check = await readOrNothing(join(this.directory, CHECK));
    if (check === undefined && !names.some((name) => name.endsWith(SEALED))) return this.#write(CHECK, this.#seal.close(CHECK, Buffer.from(CHECK)));
    if (check !== undefined && this.#seal.open(CHECK, check) !== undefined) return;
    throw new RoomKitError(
      'whatsapp_session_key',
      `The session in '${this.directory}' was encrypted with another key. Give the one that it was begun with (${VARIABLE}); nothing was removed. ` +
        'If it is lost, call forgetSession() on the source, and link the account anew.',
    );
  }

  /** Beside the old one, to the disk, then in its place. */
  async #write(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.directory, name);
    const begun = `${path}.${randomBytes(6).toString('hex')}${BEGUN}`;
    const file = await open(begun, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } catch (error) {
      await file.close();
      await unlinkIfThere(begun);
      throw error;
    }
    await file.close();
    await rename(begun, path);
    await this.#syncFolder();
  }

  /** That the new file has taken the old one's place has to survive a power cut as well. Where folders cannot be written out, it is left at that. */
  async #syncFolder(): Promise<void> {
    try {
      const folder = await open(this.directory, 'r');
      await folder.sync().finally(() => folder.close());
    } catch {
      // Windows knows no such thing.
    }
  }
}

async function readOrNothing(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
