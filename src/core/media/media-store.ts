/** The contract of a media store (behaviour §14.1). Without one, media stays a link. */
import type { Awaitable } from '../models/json.js';

/** What a stored file is and which event brought it. */
export interface MediaInfo {
  readonly mimeType: string;
  readonly filename?: string;
  readonly roomId: string;
  readonly eventId: string;
}

/** Keeps the bytes of media, so that timelines hold links only (§14.1). */
export interface MediaStore {
  /** Keeps the bytes; `url` is where they can be fetched from. */
  put(data: Uint8Array | AsyncIterable<Uint8Array>, info: MediaInfo): Promise<{ id: string; url: string }>;
  /** The bytes, in pieces. Rejects when nothing is kept under this id. */
  open(id: string): Promise<AsyncIterable<Uint8Array>>;
  /** Forgets the bytes; an unknown id changes nothing. */
  delete(id: string): Awaitable<void>;
  /** Removes what no event names any more (MED-02); `isNamed` tells. */
  sweep(isNamed: (id: string, info: MediaInfo) => Awaitable<boolean>): Promise<number>;
  /** Called when the kit closes. */
  close?(): Awaitable<void>;
}
