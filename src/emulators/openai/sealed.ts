/** Reasoning that leaves the vendor sealed: it takes back only what it gave out, unchanged. */
import { createHmac, randomBytes } from 'node:crypto';

export class SealedReasoning {
  readonly #key = randomBytes(32);

  seal(id: string, thoughts: string): string {
    const text = Buffer.from(JSON.stringify({ id, thoughts })).toString('base64url');
    return `gAAAAA${text}.${this.#mark(text)}`;
  }

  isOf(id: string, sealed: string): boolean {
    const [, text = '', mark] = /^gAAAAA([\w-]+)\.([\w-]+)$/.exec(sealed) ?? [];
    if (mark === undefined || this.#mark(text) !== mark) return false;
    return (JSON.parse(Buffer.from(text, 'base64url').toString()) as { id: string }).id === id;
  }

  #mark(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}
