/**
 * Media of messages goes into the media store (MED-01), and out of it with the event that brought it (MED-02). The work runs
 * beside the message, after its commit: whoever reads the timeline sees the link first and the stored file when it is there.
 */
import { inCleanScope } from '../call-scope.js';
import { isoTime } from '../clock.js';
import { insist } from '../async/insist.js';
import { errorCode, errorMessage, RoomKitError } from '../errors.js';
import type { EventContent } from '../models/content.js';
import { copyOfEvent, type RoomEvent, type RoomEventDraft } from '../models/event.js';
import { frozenMap } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { tellChanged } from '../pipeline/edit-delete.js';
import { withSection, type Section } from '../pipeline/section.js';
import { contextOf } from '../rooms/history.js';
import { withStoredFiles, type FileContent, type StoredFile } from './content-media.js';
import { fromDataUrl, isDataUrl } from './data-url.js';
import { idsOf, openFiles, originalOf, recordsOf, recordsToBegin, type MediaRecord } from './media-records.js';
import type { FetchedMedia, MediaFetch, MediaStore } from './media-store.js';

/** What is stored is kept so long whether an event names it or not: the event has yet to be changed, or a vendor to fetch it. */
export const GRACE_MS = 3_600_000;
/** So many events are worked on at a time; the others wait for their turn. */
const MAX_RUNNING = 8;

export class MediaKeeper {
  /** Event id → its work: who needs the stored files waits for it. */
  readonly #running = new Map<string, Promise<number>>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  constructor(
    private readonly parts: KitParts,
    readonly store: MediaStore,
  ) {}

  /** A message comes in: what is to be fetched is committed with it. */
  begin(draft: RoomEventDraft): void {
    const media = mayHoldMedia(draft.content) ? recordsToBegin(draft.content) : undefined;
    if (media !== undefined) draft.channelData = { ...draft.channelData, extra: frozenMap({ ...draft.channelData.extra, media }) };
  }

  /** It was committed, or an edit has changed it: what it links to is fetched once the lock is free. */
  committed(section: Section, event: RoomEvent): void {
    if (mayHoldMedia(event.content) && openFiles(event).length > 0) section.defer(() => void this.keep(event), event.index);
  }

  /** Fetches and stores what the event links to. Resolves to how many files were stored; never rejects. */
  keep(event: RoomEvent): Promise<number> {
    const before = this.#running.get(event.id);
    const work = inCleanScope(() =>
      this.parts.tasks.run(async () => {
        await before;
        const free = await this.#place();
        try {
          return await this.#keep(event.roomId, event.id);
        } catch (error) {
          if (!this.parts.stopping.aborted) this.parts.logger.error('Media of a message could not be stored.', { eventId: event.id, error });
          return 0;
        } finally {
          free();
        }
      }),
    );
    this.#running.set(event.id, work);
    void work.then(() => {
      if (this.#running.get(event.id) === work) this.#running.delete(event.id);
    });
    return work;
  }

  /** Resolves when nothing of this event is being fetched any more. */
  async settled(eventId: string): Promise<void> {
    await this.#running.get(eventId);
  }

  /** Deletes what was stored for an event that is gone. */
  forget(event: RoomEvent): void {
    this.remove(idsOf(event));
  }

  /** Deletes media, beside the caller. What cannot be deleted now, the sweep finds. */
  remove(ids: readonly string[]): void {
    if (ids.length === 0) return;
    inCleanScope(() => void this.parts.tasks.run(() => this.#delete(ids)));
  }

  async #delete(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      try {
        await this.store.delete(id);
      } catch (error) {
        this.parts.logger.warn('Stored media could not be deleted and is left to the sweep.', { mediaId: id, error });
      }
    }
  }

  now(): number {
    return this.parts.clock.now();
  }

  /** Until when what is put now is kept in any case. */
  keepUntil(): string {
    return isoTime(this.now() + GRACE_MS);
  }

  async #keep(roomId: string, eventId: string): Promise<number> {
    const { parts } = this;
    const event = await parts.store.getEvent(roomId, eventId);
    if (event === null) return 0;
    const outcomes: Outcome[] = [];
    for (const file of openFiles(event)) {
      if (parts.stopping.aborted) break;
      const outcome = await this.#store(event, file);
      if (outcome !== undefined) outcomes.push(outcome);
    }
    if (outcomes.length === 0) return 0;
    const stored = await insist(parts, { roomId, eventId }, () => withSection(parts, roomId, (section) => this.#record(section, eventId, outcomes)));
    for (const { error } of outcomes) if (error !== undefined) this.#tellError(event, error);
    return stored;
  }

  /** Undefined for an ordinary link that nobody is there to fetch, and for what the end of the kit cut off. */
  async #store(event: RoomEvent, file: FileContent): Promise<Outcome | undefined> {
    const { roomId, id: eventId } = event;
    try {
      const fetched = await this.#fetch(event, file);
      if (fetched === undefined) return undefined;
      const { mimeType, filename } = fetched;
      const info = { mimeType, ...(filename !== undefined && { filename }), roomId, eventId, keepUntil: this.keepUntil() };
      const kept = await this.store.put(fetched.data, info);
      return { from: file.url, id: kept.id, file: { url: kept.url, mimeType, filename, sizeBytes: kept.sizeBytes ?? fetched.sizeBytes } };
    } catch (error) {
      return this.parts.stopping.aborted ? undefined : { from: file.url, error };
    }
  }

  async #fetch(event: RoomEvent, file: FileContent): Promise<FetchedMedia | undefined> {
    const { parts, store } = this;
    const { url, mimeType } = file;
    if (isDataUrl(url)) return fromDataUrl(url);
    const signal = parts.stopping;
    const options = { signal, ...(mimeType !== undefined && { mimeType }) };
    const channel = parts.channels.get(event.source.channelId)?.channel;
    const own = await channel?.fetchMedia?.(url, { ...options, fetch: store.fetch?.bind(store) ?? noFetch });
    if (own !== undefined && own !== null) return own;
    return store.fetch?.(url, options);
  }

  /** Under the room's lock: the event as it is now gets what was stored, if it still asks for it. Returns how much of it. */
  async #record(section: Section, eventId: string, outcomes: readonly Outcome[]): Promise<number> {
    const { parts } = this;
    const { roomId } = section;
    const event = await parts.store.getEvent(roomId, eventId);
    const wanted = event === null ? [] : openFiles(event);
    const useful = outcomes.filter(({ from }) => wanted.some(({ url }) => url === from));
    const stored = new Map(useful.flatMap(({ from, file }) => (file === undefined ? [] : [[from, file] as const])));
    // Deleted or edited meanwhile, or stored by somebody else.
    this.remove(outcomes.flatMap((outcome) => (outcome.id === undefined || useful.includes(outcome) ? [] : [outcome.id])));
    if (event === null || useful.length === 0) return 0;
    const draft = copyOfEvent(event);
    draft.content = withStoredFiles(event.content, (url) => stored.get(url));
    draft.channelData = { ...event.channelData, extra: frozenMap({ ...event.channelData.extra, media: nextRecords(event, useful) }) };
    const changed = await parts.store.updateEvent(draft, section.writeOptions);
    const state = await parts.store.loadRoom(roomId);
    if (changed === null || state === null) return 0;
    // That a try failed changes nothing for those who follow.
    if (stored.size > 0) tellChanged(parts, section, changed, 'updated', state);
    else parts.rooms.peek(roomId)?.dropTail();
    return stored.size;
  }

  #tellError({ roomId, id, source }: RoomEvent, error: unknown): void {
    const { parts } = this;
    parts.logger.warn('Media of a message could not be fetched; its link stays.', {
      eventId: id,
      channelId: source.channelId,
      code: errorCode(error),
    });
    if (!parts.hooks.has('on_error', roomId)) return;
    const notice = { category: 'media', code: errorCode(error), message: wordsOf(error), room_id: roomId, channel_id: source.channelId } as const;
    void parts.tasks.run(async () => {
      const state = await parts.store.loadRoom(roomId);
      if (state !== null) await parts.hooks.notice('on_error', notice, { roomId, source, context: () => contextOf(state) });
    });
  }

  /** Waits for a place; returns what gives it back. */
  async #place(): Promise<() => void> {
    if (this.#active >= MAX_RUNNING) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#active++;
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#active--;
      else next();
    };
  }
}

/** What became of one address. */
interface Outcome {
  readonly from: string;
  readonly id?: string;
  readonly file?: StoredFile;
  readonly error?: unknown;
}

function nextRecords(event: RoomEvent, outcomes: readonly Outcome[]): readonly MediaRecord[] {
  const before = recordsOf(event);
  const made = outcomes.map(({ from, id, file, error }): MediaRecord => {
    const original_url = originalOf(from);
    if (id !== undefined && file !== undefined) return { original_url, id, url: file.url };
    const attempts = (before.find((record) => record.original_url === original_url && record.id === undefined)?.attempts ?? 0) + 1;
    return { original_url, error: errorCode(error), attempts, retryable: isRetryable(error) };
  });
  const isReplaced = ({ original_url, id }: MediaRecord): boolean => id === undefined && made.some((record) => record.original_url === original_url);
  return [...before.filter((record) => !isReplaced(record)), ...made];
}

/** What a channel threw of its own was a broken connection more often than not. */
function isRetryable(error: unknown): boolean {
  return error instanceof RoomKitError ? error.retryable : true;
}

/** Foreign errors may hold addresses with tokens in them. */
function wordsOf(error: unknown): string {
  return error instanceof RoomKitError ? errorMessage(error) : 'The media could not be fetched.';
}

const noFetch: MediaFetch = () =>
  Promise.reject(
    new RoomKitError('media_unavailable', 'The media store brings no fetch. Use FileMediaStore of roomkit/media, or give your store one.'),
  );

/** Whether this type of content holds files at all: asked of every message. */
function mayHoldMedia({ type }: EventContent): boolean {
  return type === 'media' || type === 'audio' || type === 'video' || type === 'composite';
}
