/** The contract of a media store (behaviour §14.1). Without one, media stays a link. */
import type { Awaitable } from '../models/json.js';

/** What a stored file is and which event brought it. */
export interface MediaInfo {
  readonly mimeType: string;
  readonly filename?: string;
  readonly roomId: string;
  readonly eventId: string;
  /** Until then it is kept even when no event names it (ISO-8601 UTC); the kit's sweep goes by it. */
  readonly keepUntil?: string;
}

/** What a store has made of the bytes it was given. */
export interface KeptMedia {
  readonly id: string;
  /** Where they can be fetched from: what stands in the event from now on. */
  readonly url: string;
  readonly sizeBytes?: number;
}

/** Keeps the bytes of media, so that timelines hold links only (§14.1). Implementations run `mediaStoreContract`. */
export interface MediaStore {
  /** Keeps the bytes, all of them or nothing. Rejects with `media_too_large`, or with the error of the stream. */
  put(data: Uint8Array | AsyncIterable<Uint8Array>, info: MediaInfo): Promise<KeptMedia>;
  /** The bytes, in pieces. Rejects with `media_not_found` when nothing is kept under this id. */
  open(id: string): Promise<AsyncIterable<Uint8Array>>;
  /** Forgets the bytes; an unknown id changes nothing. */
  delete(id: string): Awaitable<void>;
  /** Removes what no event names any more (MED-02), and says how many that were; `isNamed` tells. */
  sweep(isNamed: (id: string, info: MediaInfo) => Awaitable<boolean>): Promise<number>;
  /** A link that anybody can fetch, for so long (PV-05). Stores whose links never end leave it out. */
  link?(id: string, options?: { readonly seconds?: number }): Awaitable<string>;
  /** What a link of this store leads to, for the server. Rejects with `media_link_invalid`, `media_link_expired` or `media_not_found`. */
  openLink?(link: MediaLink): Promise<StoredMedia>;
  /** Fetches media of others (PV-14). Without it only what channels fetch themselves and `data:` urls are kept. */
  fetch?: MediaFetch;
  /** Called when the kit closes. Idempotent. */
  close?(): Awaitable<void>;
}

/** The parts of a link, as they stand in the address. */
export interface MediaLink {
  readonly id: string;
  readonly expires: string;
  readonly signature: string;
}

/** Media that was asked for by a link. */
export interface StoredMedia {
  readonly data: AsyncIterable<Uint8Array>;
  readonly info: MediaInfo;
  readonly sizeBytes?: number;
  /** How long the link still opens. */
  readonly secondsLeft?: number;
}

/** Media on its way in. Whoever leaves `data` early ends the download. */
export interface FetchedMedia {
  readonly data: AsyncIterable<Uint8Array>;
  readonly mimeType: string;
  readonly filename?: string;
  readonly sizeBytes?: number;
}

/** What a fetch may be told besides the address. */
export interface MediaFetchOptions {
  /** Ends the download. */
  readonly signal?: AbortSignal;
  /** What the message said it is: something of another kind is refused (`media_type_mismatch`). */
  readonly mimeType?: string;
  /** Headers for the vendor's own hosts, such as `api.twilio.com`, and for nobody else. Only over https. */
  readonly credentials?: { readonly headers: Readonly<Record<string, string>>; readonly hosts: readonly string[] };
}

/** A guarded fetch (PV-14): `guardedFetch()` of `roomkit/media`. */
export type MediaFetch = (url: string, options?: MediaFetchOptions) => Promise<FetchedMedia>;

/** What a channel that fetches its vendor's media itself is given (MED-01). */
export interface ChannelFetchOptions {
  /** Aborted when the kit stops. */
  readonly signal: AbortSignal;
  /** What the message said it is. */
  readonly mimeType?: string;
  /** The store's guarded fetch, to be called with the vendor's credentials. Rejects with `media_unavailable` when it has none. */
  readonly fetch: MediaFetch;
}

/** What {@link RoomKit.sweepMedia} did. */
export interface MediaSweep {
  /** Media of events that were stored now, because a crash or the vendor was in the way before. */
  readonly stored: number;
  /** What no event named any more. */
  readonly removed: number;
}
