/** Signatures of thinking: the vendor takes back those that it gave out, and two words for calls it never signed. */
import { createHmac, randomBytes } from 'node:crypto';

const UNSIGNED = ['skip_thought_signature_validator', 'context_engineering_is_the_way_to_go'];

export class Signatures {
  readonly #key = randomBytes(32);

  make(): string {
    const what = randomBytes(16);
    return Buffer.concat([what, this.#mark(what)]).toString('base64');
  }

  isOne(signature: string): boolean {
    if (UNSIGNED.includes(signature)) return true;
    const bytes = Buffer.from(signature, 'base64');
    return bytes.length === 48 && this.#mark(bytes.subarray(0, 16)).equals(bytes.subarray(16));
  }

  #mark(what: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(what).digest();
  }
}
