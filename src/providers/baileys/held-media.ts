/**
 * Files too large to stand in a message: they wait here until the kit has put them into its media store, which it does right
 * after the commit (MED-01). Kept in this process alone, and not for long.
 */
import type { FetchedMedia } from '../../core/media/media-store.js';

/** All of them together. */
const MOST_BYTES = 128 * 1024 * 1024;
const KEPT_MS = 15 * 60_000;
const ORIGIN = 'https://mmg.whatsapp.net/roomkit/';

interface Held {
  readonly bytes: Uint8Array;
  readonly mimeType: string;
  readonly filename?: string | undefined;
  readonly until: number;
}

export class HeldMedia {
  readonly #held = new Map<string, Held>();
  #bytes = 0;

  constructor(private readonly now: () => number) {}

  /** The address under which the kit asks for it. It leads nowhere on the network. */
  hold(name: string, file: Omit<Held, 'until'>): string {
    const url = `${ORIGIN}${encodeURIComponent(name)}`;
    this.#drop(url);
    this.#held.set(url, { ...file, until: this.now() + KEPT_MS });
    this.#bytes += file.bytes.byteLength;
    for (const [other, { until }] of this.#held) {
      if (until > this.now() && this.#bytes <= MOST_BYTES) break; // the oldest come first
      if (other !== url) this.#drop(other);
    }
    return url;
  }

  isNamed(url: string): boolean {
    return url.startsWith(ORIGIN);
  }

  fetch(url: string): FetchedMedia | undefined {
    const held = this.#held.get(url);
    if (held === undefined) return undefined;
    const { bytes, mimeType, filename } = held;
    return { data: once(bytes), mimeType, sizeBytes: bytes.byteLength, ...(filename !== undefined && { filename }) };
  }

  clear(): void {
    this.#held.clear();
    this.#bytes = 0;
  }

  #drop(url: string): void {
    this.#bytes -= this.#held.get(url)?.bytes.byteLength ?? 0;
    this.#held.delete(url);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(bytes);
}
