/** Files on their way to Telegram: as which kind they are sent, and whether by address, by id or as bytes. */
import type { AudioContent, EventContent, MediaContent, VideoContent } from '../../core/models/content.js';
import type { TelegramFile } from './api.js';

/** The kinds of files that Telegram tells apart, named as its parameters are. */
export type FileKind = 'photo' | 'animation' | 'voice' | 'audio' | 'video' | 'document';

/** A file to send. */
export interface OutgoingFile {
  readonly kind: FileKind;
  /** Its address, or the id of a file that Telegram has; undefined when the bytes go along. */
  readonly source: string | undefined;
  readonly file: TelegramFile | undefined;
  readonly caption: string | undefined;
  readonly durationSeconds: number | undefined;
}

export const METHODS: Readonly<Record<FileKind, string>> = {
  photo: 'sendPhoto',
  animation: 'sendAnimation',
  voice: 'sendVoice',
  audio: 'sendAudio',
  video: 'sendVideo',
  document: 'sendDocument',
};

const FILE_ADDRESS = 'https://api.telegram.org/file/';

/** The address of an inbound file: it names the file and no credential, and leads nowhere by itself. */
export function addressOfFile(fileId: string): string {
  return FILE_ADDRESS + encodeURIComponent(fileId);
}

/** The id that such an address names; undefined for every other address. */
export function fileIdOf(url: string): string | undefined {
  if (!url.startsWith(FILE_ADDRESS)) return undefined;
  const name = url.slice(FILE_ADDRESS.length);
  try {
    return /^[\w%.~-]+$/.test(name) ? decodeURIComponent(name) : undefined;
  } catch {
    return undefined;
  }
}

/** The file of a content; undefined when its data: url is none. */
export function outgoingFile(content: MediaContent | AudioContent | VideoContent): OutgoingFile | undefined {
  const mimeType = (content.mimeType ?? (content.type === 'audio' ? 'audio/ogg' : 'video/mp4')).toLowerCase();
  const caption = content.type === 'media' ? content.caption : undefined;
  const common = {
    kind: kindOf(mimeType),
    caption: caption === '' ? undefined : caption,
    durationSeconds: content.type === 'media' ? undefined : content.durationSeconds,
  };
  if (!/^data:/i.test(content.url)) return { ...common, source: fileIdOf(content.url) ?? content.url, file: undefined };
  const bytes = bytesOf(content.url);
  if (bytes === undefined) return undefined;
  const filename = (content.type === 'media' ? content.filename : undefined) ?? `${common.kind}.${extensionOf(mimeType)}`;
  return { ...common, source: undefined, file: { bytes, mimeType, filename } };
}

/** Whether Telegram shows these side by side. */
export function isAlbum(files: readonly OutgoingFile[]): boolean {
  if (files.length < 2 || files.length > 10) return false;
  const kinds = new Set(files.map(({ kind }) => (kind === 'photo' || kind === 'video' ? 'visible' : kind)));
  return kinds.size === 1 && !kinds.has('animation') && !kinds.has('voice');
}

/** Pictures that Telegram shows as photos; others it would refuse as such go as files. */
function kindOf(mimeType: string): FileKind {
  const type = mimeType.split(';')[0]?.trim() ?? '';
  if (type === 'image/gif') return 'animation';
  if (/^image\/(jpeg|jpg|png|webp|bmp)$/.test(type)) return 'photo';
  if (/^audio\/(ogg|opus)$/.test(type)) return 'voice';
  if (/^audio\/(mpeg|mp3|mp4|m4a|x-m4a|aac)$/.test(type)) return 'audio';
  if (type.startsWith('video/')) return 'video';
  return 'document';
}

function bytesOf(url: string): Uint8Array<ArrayBuffer> | undefined {
  const comma = url.indexOf(',');
  if (comma === -1) return undefined;
  const data = url.slice(comma + 1);
  try {
    // Copied: a pooled buffer is no body of its own.
    return /;base64$/i.test(url.slice(0, comma)) ? new Uint8Array(Buffer.from(data, 'base64')) : new TextEncoder().encode(decodeURIComponent(data));
  } catch {
    return undefined;
  }
}

function extensionOf(mimeType: string): string {
  const subtype = /^[a-z]+\/(?:x-)?([a-z0-9]+)/.exec(mimeType)?.[1] ?? 'bin';
  return { jpeg: 'jpg', mpeg: 'mp3', quicktime: 'mov', plain: 'txt', octet: 'bin' }[subtype] ?? subtype;
}

export function isFileContent(content: EventContent): content is MediaContent | AudioContent | VideoContent {
  return content.type === 'media' || content.type === 'audio' || content.type === 'video';
}
