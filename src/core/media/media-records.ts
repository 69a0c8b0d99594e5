/** What an event knows of its stored media: `channelData.extra.media`, beside what the vendor's channel keeps there (MED-01). */
import type { EventContent } from '../models/content.js';
import type { RoomEvent } from '../models/event.js';
import { filesIn, type FileContent } from './content-media.js';

/** One file of an event: yet to be fetched, stored, or why it is not. Field names are snake_case, as in stored data (CON-01). */
export interface MediaRecord {
  /** The vendor's; of a `data:` url only the scheme is kept. */
  readonly original_url: string;
  /** In the media store; absent while it is not there. */
  readonly id?: string;
  /** What stands in the content for it. */
  readonly url?: string;
  /** Why it could not be fetched. */
  readonly error?: string;
  /** How often that was tried. */
  readonly attempts?: number;
  /** Whether another try may help. */
  readonly retryable?: boolean;
}

/** So many files of one message are stored; the others stay links. No vendor sends more (PV-08). */
const MAX_FILES = 20;

/** A file that a vendor cannot give is asked for so often. */
export const MAX_ATTEMPTS = 5;

/** Written by the kit; whatever else stands there is not a record. */
export function recordsOf({ channelData }: RoomEvent): readonly MediaRecord[] {
  const media = channelData.extra?.['media'];
  return Array.isArray(media) ? media.filter(isRecord) : [];
}

function isRecord(value: unknown): value is MediaRecord {
  return typeof value === 'object' && value !== null && typeof (value as { original_url?: unknown }).original_url === 'string';
}

/** What is recorded of a url: `data:` urls are told apart by the content alone. */
export function originalOf(url: string): string {
  return /^data:/i.test(url) ? 'data:' : url;
}

/** Committed with a message, so that whoever finds it after a crash knows what was to be done. Undefined for one without files. */
export function recordsToBegin(content: EventContent): readonly MediaRecord[] | undefined {
  const files = filesIn(content).slice(0, MAX_FILES);
  if (files.length === 0) return undefined;
  return [...new Set(files.map(({ url }) => originalOf(url)))].map((original_url) => ({ original_url }));
}

/** A message that was taken back shows nothing to anybody. */
export function isTakenBack({ metadata, status }: RoomEvent): boolean {
  return metadata['deleted'] === true || status === 'blocked';
}

/** The files of an event that are still links to somewhere else, and worth a try. */
export function openFiles(event: RoomEvent): readonly FileContent[] {
  if (isTakenBack(event)) return [];
  const files = filesIn(event.content).slice(0, MAX_FILES);
  if (files.length === 0) return files;
  const records = recordsOf(event);
  const seen = new Set<string>();
  return files.filter(({ url }) => {
    if (seen.has(url) || records.some((record) => record.url === url)) return false;
    seen.add(url);
    const record = records.find((candidate) => candidate.original_url === originalOf(url) && candidate.id === undefined);
    return record === undefined || isOpen(record);
  });
}

/** Whether something that was begun is not done. What has no record was never to be stored: an agent's link, for one. */
export function isUnfinished(event: RoomEvent): boolean {
  const open = recordsOf(event).filter(isOpen);
  return open.length > 0 && openFiles(event).some(({ url }) => open.some((record) => record.original_url === originalOf(url)));
}

function isOpen({ id, error, retryable, attempts = 1 }: MediaRecord): boolean {
  return id === undefined && (error === undefined || (retryable === true && attempts < MAX_ATTEMPTS));
}

/** Whether the event shows this medium. An edit leaves its record, so that whoever deletes the event finds all it ever had. */
export function names(event: RoomEvent | null, id: string): boolean {
  if (event === null || isTakenBack(event)) return false;
  const record = recordsOf(event).find((candidate) => candidate.id === id);
  return record !== undefined && filesIn(event.content).some(({ url }) => url === record.url);
}

/** What was ever stored for this event. */
export function idsOf(event: RoomEvent): readonly string[] {
  return recordsOf(event).flatMap(({ id }) => (id === undefined ? [] : [id]));
}
