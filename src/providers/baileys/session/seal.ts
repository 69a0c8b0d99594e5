/** What is kept is sealed: AES-256-GCM, a nonce of its own for each, bound to its name so that none can stand in another's place. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { ValidationError } from '../../../core/errors.js';
import { Secret } from '../../../core/telemetry/secret.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The form of what follows, so that another one can be told from it. */
const FORM = Buffer.from('RKW1');

/** Seals and opens under one key. It shows nothing of it, however it is printed. */
export class Seal {
  readonly #bytesKey: Buffer;
  readonly #namesKey: Buffer;

  constructor(key: Uint8Array) {
    const derived = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', key, 'roomkit whatsapp session', purpose, KEY_BYTES));
    this.#bytesKey = derived('bytes');
    this.#namesKey = derived('names');
  }

  /** A name that says nothing: those of sessions hold the numbers of people. */
  nameOf(key: string): string {
    return createHmac('sha256', this.#namesKey).update(key).digest('hex').slice(0, 40);
  }

  close(name: string, bytes: Uint8Array): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#bytesKey, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(name));
    const sealed = Buffer.concat([cipher.update(bytes), cipher.final()]);
    return Buffer.concat([FORM, nonce, cipher.getAuthTag(), sealed]);
  }

  /** Undefined for what was not sealed under this key and name, or has been changed since. */
  open(name: string, sealed: Uint8Array): Uint8Array | undefined {
    const whole = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    const start = FORM.length + NONCE_BYTES + TAG_BYTES;
    if (whole.length < start || !whole.subarray(0, FORM.length).equals(FORM)) return undefined;
    const nonce = whole.subarray(FORM.length, FORM.length + NONCE_BYTES);
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#bytesKey, nonce, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(name))
        .setAuthTag(whole.subarray(FORM.length + NONCE_BYTES, start));
      return new Uint8Array(Buffer.concat([decipher.update(whole.subarray(start)), decipher.final()]));
    } catch {
      return undefined;
    }
  }
}

/** 32 bytes: as they are, in base64 or in hexadecimal digits. Throws ValidationError that never holds the key. */
export function sealingKey(feature: string, variable: string, given: string | Uint8Array | Secret | undefined): Uint8Array {
  const value = given instanceof Secret ? given.reveal() : (given ?? process.env[variable]);
  if (value === undefined || value === '')
    throw new ValidationError(
      `${feature} has no key. Make one with \`openssl rand -base64 32\`, and pass { key }, or set ${variable} in the environment.`,
    );
  const bytes = typeof value === 'string' ? textKey(value.trim()) : value;
  if (bytes instanceof Uint8Array && bytes.byteLength === KEY_BYTES) return bytes;
  const length = bytes instanceof Uint8Array ? `${bytes.byteLength} bytes long` : 'neither base64 nor hexadecimal';
  throw new ValidationError(`The key of ${feature} is ${length}. It needs ${KEY_BYTES} bytes: make one with \`openssl rand -base64 32\`.`);
}

function textKey(text: string): Uint8Array | undefined {
  if (/^[0-9a-f]+$/i.test(text) && text.length === 2 * KEY_BYTES) return Buffer.from(text, 'hex');
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
}
