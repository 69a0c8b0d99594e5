/** The key by which the Bot Framework signs its calls, and the documents that publish it. */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

interface Pair {
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Making one takes a while: emulators of one process share their first. */
let shared: Pair | undefined;

function newPair(): Pair {
  return { kid: randomBytes(20).toString('base64url'), ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
}

export class SigningKey {
  #pair: Pair = (shared ??= newPair());

  get kid(): string {
    return this.#pair.kid;
  }

  /** From now on another key is published and signs. */
  rotate(): void {
    this.#pair = newPair();
  }

  /** As Microsoft publishes it: with the channels for which it may sign. */
  document(endorsements: readonly string[]): unknown {
    const { kty, n, e } = this.#pair.publicKey.export({ format: 'jwk' });
    return { keys: [{ kty, use: 'sig', kid: this.kid, x5t: this.kid, n, e, endorsements }] };
  }

  token(claims: Readonly<Record<string, unknown>>, header: Readonly<Record<string, unknown>> = {}): string {
    const parts = [{ alg: 'RS256', kid: this.kid, x5t: this.kid, typ: 'JWT', ...header }, claims];
    const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${signed}.${sign('sha256', Buffer.from(signed), this.#pair.privateKey).toString('base64url')}`;
  }
}
