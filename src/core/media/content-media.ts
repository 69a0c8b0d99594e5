/** The media in a content, wherever it stands, and the same content with other addresses. */
import type { AudioContent, EventContent, MediaContent, VideoContent } from '../models/content.js';

/** Content that is a file by its url. */
export type FileContent = MediaContent | AudioContent | VideoContent;

/** What is in a store now: what the content says of it from then on. */
export interface StoredFile {
  readonly url: string;
  /** As the message said, unless given. */
  readonly mimeType?: string;
  readonly filename?: string | undefined;
  readonly sizeBytes?: number | undefined;
}

export function isFile(content: EventContent): content is FileContent {
  return content.type === 'media' || content.type === 'audio' || content.type === 'video';
}

/** The files of a content, those inside composites included, in their order. */
export function filesIn(content: EventContent): readonly FileContent[] {
  if (isFile(content)) return [content];
  return content.type === 'composite' ? content.parts.flatMap(filesIn) : NONE;
}

const NONE: readonly FileContent[] = [];

/** The same content, with the files that `storedAs` knows by their url in place of their links; itself when there are none. */
export function withStoredFiles(content: EventContent, storedAs: (url: string) => StoredFile | undefined): EventContent {
  if (content.type === 'composite') {
    const parts = content.parts.map((part) => withStoredFiles(part, storedAs));
    return parts.every((part, position) => part === content.parts[position]) ? content : { ...content, parts };
  }
  if (!isFile(content)) return content;
  const file = storedAs(content.url);
  if (file === undefined) return content;
  // What the vendor called it stays, unless it did not know.
  const mimeType = file.mimeType === undefined || file.mimeType === UNKNOWN ? content.mimeType : file.mimeType;
  const changed = { url: file.url, ...(mimeType !== undefined && { mimeType }) };
  if (content.type !== 'media') return { ...content, ...changed };
  return {
    ...content,
    ...changed,
    ...(content.filename === undefined && file.filename !== undefined && { filename: file.filename }),
    ...(file.sizeBytes !== undefined && { sizeBytes: file.sizeBytes }),
  };
}

const UNKNOWN = 'application/octet-stream';
