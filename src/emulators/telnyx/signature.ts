/** How Telnyx signs its calls: Ed25519, with a key pair of the emulator's own. test/emulators/telnyx.test.ts holds it against Telnyx' package. */
import { generateKeyPairSync, sign } from 'node:crypto';

export class TelnyxSigner {
  readonly #keys = generateKeyPairSync('ed25519');

  /** As the portal shows it: the key's 32 bytes in base64. */
  get publicKey(): string {
    return Buffer.from(this.#keys.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
  }

  headers(body: string): Readonly<Record<string, string>> {
    const timestamp = String(Math.floor(Date.now() / 1000));
    return {
      'telnyx-timestamp': timestamp,
      'telnyx-signature-ed25519': sign(null, Buffer.from(`${timestamp}|${body}`), this.#keys.privateKey).toString('base64'),
    };
  }
}
