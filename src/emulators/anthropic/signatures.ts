/** Signatures of thinking: the vendor takes back only the thoughts that it gave out, unchanged. */
import { createHmac, randomBytes } from 'node:crypto';

export class Signatures {
  readonly #key = randomBytes(32);

  of(thinking: string): string {
    return createHmac('sha256', this.#key).update(thinking).digest('base64');
  }

  isOf(thinking: string, signature: string): boolean {
    return this.of(thinking) === signature;
  }
}
