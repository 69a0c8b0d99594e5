/** The files of the emulated Telegram. */
import { randomBytes } from 'node:crypto';
import type { Fields } from '../problem.js';
import type { Parameters, UploadedFile } from './parameters.js';
import { badRequest } from './refusal.js';

/** A file that Telegram has. */
export interface StoredFile {
  readonly id: string;
  readonly path: string;
  readonly kind: string;
  readonly mimeType: string;
  readonly filename: string | undefined;
  /** Undefined for one that Telegram was to fetch: the emulator fetches nothing. */
  readonly bytes: Uint8Array | undefined;
  /** Where Telegram was to fetch it. */
  readonly url: string | undefined;
}

const MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024;
const MAX_PHOTO_BYTES = 10 * 1024 * 1024;
const MAX_UPLOAD_BYTES = 50 * 1024 * 1024;

export class Files {
  readonly #files = new Map<string, StoredFile>();

  put(kind: string, mimeType: string, file: Pick<StoredFile, 'bytes' | 'url' | 'filename'>): StoredFile {
    const id = `AgAC${randomBytes(24).toString('base64url')}`;
    const stored: StoredFile = { id, path: `${kind}s/file_${this.#files.size}.${extensionOf(mimeType)}`, kind, mimeType, ...file };
    this.#files.set(id, stored);
    return stored;
  }

  get(id: string): StoredFile | undefined {
    return this.#files.get(id);
  }

  byPath(path: string): StoredFile | undefined {
    return [...this.#files.values()].find((file) => file.path === path);
  }

  /** For `getFile`. */
  info(id: string): Fields {
    const file = this.#files.get(id);
    if (file === undefined) throw badRequest('wrong file_id or the file is temporarily unavailable');
    const size = file.bytes?.length ?? 0;
    if (size > MAX_DOWNLOAD_BYTES) throw badRequest('file is too big');
    return { file_id: id, file_unique_id: id.slice(0, 12), file_size: size, file_path: file.path };
  }

  /** What a parameter names: bytes that came along, a file that is there, or an address. */
  given(kind: string, value: string | undefined, upload: UploadedFile | undefined, parameters: Parameters): StoredFile {
    const file = upload ?? (value?.startsWith('attach://') === true ? parameters.file(value.slice('attach://'.length)) : undefined);
    if (file !== undefined) {
      if (file.bytes.length === 0) throw badRequest('file must be non-empty');
      if (file.bytes.length > (kind === 'photo' ? MAX_PHOTO_BYTES : MAX_UPLOAD_BYTES)) throw badRequest('file is too big');
      return this.put(kind, file.mimeType, { bytes: file.bytes, url: undefined, filename: file.filename });
    }
    if (value === undefined || value === '') throw badRequest(`there is no ${kind} in the request`);
    const known = this.#files.get(value);
    if (known !== undefined) return known;
    if (!/^https?:\/\/\S+$/.test(value)) throw badRequest('wrong file identifier/HTTP URL specified');
    // By their address Telegram fetches no other documents.
    if (kind === 'document' && !/\.(pdf|zip|gif)(\?|$)/i.test(value)) throw badRequest('wrong type of the web page content');
    return this.put(kind, MIME_TYPES[kind] ?? 'application/octet-stream', { bytes: undefined, url: value, filename: undefined });
  }
}

const MIME_TYPES: Readonly<Record<string, string>> = {
  photo: 'image/jpeg',
  animation: 'video/mp4',
  voice: 'audio/ogg',
  audio: 'audio/mpeg',
  video: 'video/mp4',
};

/** As it stands in a message. */
export function fileBody(file: StoredFile): Record<string, unknown> {
  const { id, kind, mimeType, filename, bytes } = file;
  const common = { file_id: id, file_unique_id: id.slice(0, 12), file_size: bytes?.length ?? 1024 };
  switch (kind) {
    case 'photo':
      return {
        photo: [
          { ...common, file_id: `${id}s`, width: 90, height: 67, file_size: 100 },
          { ...common, width: 800, height: 600 },
        ],
      };
    case 'voice':
      return { voice: { ...common, mime_type: mimeType, duration: 3 } };
    case 'audio':
      return { audio: { ...common, mime_type: mimeType, duration: 3, ...(filename !== undefined && { file_name: filename }) } };
    case 'video':
      return { video: { ...common, mime_type: mimeType, duration: 3, width: 640, height: 480 } };
    case 'animation': {
      const animation = { ...common, mime_type: mimeType, duration: 3, width: 320, height: 240 };
      return { animation, document: { ...common, mime_type: mimeType } };
    }
    default:
      return { document: { ...common, mime_type: mimeType, file_name: filename ?? 'file' } };
  }
}

function extensionOf(mimeType: string): string {
  return /\/(?:x-)?([a-z0-9]+)/.exec(mimeType)?.[1]?.replace('jpeg', 'jpg') ?? 'bin';
}
